//! Every file of every corpus goes through its target, and every target has a corpus and a binary.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use tidings_fuzz::TARGETS;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a folder entry").path())
        .collect();
    files.sort();
    files
}

#[test]
fn every_corpus_file_keeps_the_properties() {
    let mut broken = Vec::new();
    for (name, target) in TARGETS {
        // libFuzzer names what it finds by its hash; only files with a meaning belong to the project.
        let named = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "bin");
        let corpus: Vec<_> = files(&here("corpus").join(name))
            .into_iter()
            .filter(named)
            .collect();
        assert!(corpus.len() >= 5, "{name} has only {} files", corpus.len());
        for file in corpus {
            let data = fs::read(&file).expect("a corpus file");
            if catch_unwind(|| target(&data)).is_err() {
                broken.push(file);
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_empty_input_and_every_single_octet_keep_the_properties() {
    for (_, target) in TARGETS {
        target(&[]);
        for octet in 0..=u8::MAX {
            target(&[octet]);
        }
    }
}

#[test]
fn every_target_has_a_binary_and_every_binary_a_target() {
    let mut names: Vec<_> = TARGETS
        .iter()
        .map(|(name, _)| format!("{name}.rs"))
        .collect();
    names.sort();
    let binaries: Vec<_> = files(&here("fuzz_targets"))
        .iter()
        .map(|file| {
            file.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(binaries, names);
    for (name, _) in TARGETS {
        let text = fs::read_to_string(here("fuzz_targets").join(format!("{name}.rs")));
        assert!(
            text.expect("a target")
                .contains(&format!("tidings_fuzz::{name}(data)"))
        );
    }
}
