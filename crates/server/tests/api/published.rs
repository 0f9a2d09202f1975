//! What others publish, installed once from where they publish it: the platform's clients, and an OpenID provider.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with the scripts in JavaScript, and the packages they use beside them.
pub(crate) fn javascript() -> PathBuf {
    installed("javascript", "package-lock.json", |folder| {
        run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder));
    })
}

/// A folder with the scripts in Python, and a `venv` with the packages they use.
pub(crate) fn python() -> PathBuf {
    installed("python", "requirements.txt", |folder| {
        run(Command::new("python3").args(["-m", "venv", "--clear", "venv"]).current_dir(folder));
        run(Command::new(folder.join("venv/bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement", "requirements.txt"])
            .current_dir(folder));
    })
}

/// What a program writes, which has to end well.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; scripts/install-tools installs it"));
    let written = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{written}{complaints}", output.status);
    written
}

/// A copy of the scripts beside what the build made, so that the sources stay as they are.
fn installed(name: &str, pinned: &str, install: impl FnOnce(&Path)) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name);
    fs::create_dir_all(&folder).unwrap();
    // Other tests want it too, of this process and of others.
    let turn = File::create(folder.join("turn")).unwrap();
    turn.lock().unwrap();
    for file in fs::read_dir(&source).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        let (copy, wanted) = (folder.join(file.file_name().unwrap()), fs::read(&file).unwrap());
        // Those that run already read a file that stays whole.
        if fs::read(&copy).ok().as_ref() != Some(&wanted) {
            fs::write(folder.join("new"), wanted).unwrap();
            fs::rename(folder.join("new"), copy).unwrap();
        }
    }
    let (wanted, done) = (fs::read(source.join(pinned)).unwrap(), folder.join("installed"));
    if fs::read(&done).ok().as_ref() != Some(&wanted) {
        install(&folder);
        fs::write(done, wanted).unwrap();
    }
    folder
}
