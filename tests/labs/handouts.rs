//! The handouts: 45 minutes each, two questions with their answers, and a step for each test.

use crate::{LABS, folder, read, tests};

/// The minutes in the headings of a handout: `## 2. One piece (8 min)`.
fn minutes(text: &str) -> Vec<u32> {
    let headings = text.lines().filter(|line| line.starts_with("## "));
    headings
        .filter_map(|line| {
            let (_, rest) = line.rsplit_once('(')?;
            rest.strip_suffix(" min)")?.parse().ok()
        })
        .collect()
}

#[test]
fn a_handout_takes_45_minutes() {
    for lab in LABS {
        let text = read(&folder(lab).join("README.md"));
        let marks = minutes(&text);
        assert_eq!(marks.iter().sum::<u32>(), 45, "{lab}: {marks:?}");
        assert!(marks.len() >= 5, "{lab}: {marks:?}");
    }
}

#[test]
fn minutes_stand_in_brackets_at_the_end_of_a_heading() {
    assert_eq!(
        minutes("# x (1 min)\n## a (5 min)\n## b\n## c (d) (40 min)\nx (2 min)\n"),
        [5, 40]
    );
}

#[test]
fn each_test_belongs_to_a_step_of_the_handout() {
    for lab in LABS {
        let text = read(&folder(lab).join("README.md"));
        for test in tests(lab) {
            let number = test
                .strip_prefix("step_")
                .and_then(|rest| rest.split('_').next());
            let number = number.unwrap_or_else(|| panic!("{lab}: {test} has no step"));
            let heading = format!("\n## {number}. ");
            assert!(text.contains(&heading), "{lab}: {test} has no step");
            // `cargo test step_1_` runs the tests of the first step.
            let command = format!("cargo test step_{number}");
            assert!(
                text.contains(&command) || test.ends_with("_is_given"),
                "{lab}: {command}"
            );
        }
    }
}

#[test]
fn each_lab_asks_two_questions_and_answers_them() {
    for lab in LABS {
        let asked = read(&folder(lab).join("README.md"));
        let asked = asked
            .split("\n## ")
            .find(|part| part.contains("questions ("));
        let asked = asked.unwrap_or_else(|| panic!("{lab}: no part for the questions"));
        let answered = read(&folder(lab).join("answer/README.md"));
        for name in ["\n**A.** ", "\n**B.** "] {
            assert_eq!(asked.matches(name).count(), 1, "{lab} asks {name}");
            assert_eq!(answered.matches(name).count(), 1, "{lab} answers {name}");
        }
    }
}

#[test]
fn hints_unfold() {
    for lab in LABS {
        let text = read(&folder(lab).join("README.md"));
        let open = text.matches("<details><summary>").count();
        assert!(open >= 3, "{lab}: {open} hints");
        assert_eq!(open, text.matches("</details>").count(), "{lab}");
    }
}
