//! Notifications as a team at work gets them.

use serde_json::json;

use super::dice::Dice;

const PEOPLE: [&str; 6] = [
    "Mira Solberg",
    "Tomás Reyes",
    "Ines Haddad",
    "Jonas Wieland",
    "Priya Raman",
    "Oskar Lind",
];
const PROJECTS: [&str; 5] = ["orchard-web", "ledger", "harbour-api", "atlas", "lantern"];
const PAGES: [&str; 5] = [
    "Quarterly plan",
    "Release notes",
    "Onboarding",
    "Incident review",
    "Brand colours",
];
const TOWNS: [&str; 4] = ["Lindhaven", "Saltmarsh", "Copperhill", "Eastwater"];

/// The next notification, of the time `at`.
pub(crate) fn notice(dice: &mut Dice, at: f64) -> String {
    let mut one = |from: &[&'static str]| dice.pick(from).copied().unwrap_or_default();
    let (person, project, page, town) = (one(&PEOPLE), one(&PROJECTS), one(&PAGES), one(&TOWNS));
    let number = dice.between(1_000, 9_999);
    let (kind, title, text) = match dice.between(1, 7) {
        1 | 2 => (
            "build",
            format!("{project} build passed"),
            format!("#{number} in {} s", dice.between(38, 190)),
        ),
        3 => (
            "alert",
            format!("{project} build failed"),
            format!("#{number}: {} tests need a look", dice.between(1, 4)),
        ),
        4 => (
            "mention",
            format!("{person} mentioned you"),
            format!("in “{page}”"),
        ),
        5 => (
            "review",
            format!("{person} asks for a review"),
            format!("{project}, change {number}"),
        ),
        6 => (
            "parcel",
            format!("Parcel {number} is on its way"),
            format!("left the depot in {town}"),
        ),
        _ => (
            "alert",
            format!("Disk of {project} is filling"),
            format!("{} % used", dice.between(80, 93)),
        ),
    };
    json!({ "kind": kind, "title": title, "text": text, "t": at }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_has_a_kind_a_title_and_a_text() {
        let mut dice = Dice::new(5, 0);
        let mut kinds = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let told: serde_json::Value = serde_json::from_str(&notice(&mut dice, 0.0)).unwrap();
            assert!(told["title"].as_str().is_some_and(|title| title.len() > 8));
            assert!(told["text"].as_str().is_some_and(|text| text.len() > 3));
            kinds.insert(told["kind"].to_string());
        }
        assert_eq!(kinds.len(), 5, "{kinds:?}");
    }
}
