//! The example of each README that no doctest runs.

use core::time::Duration;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use tidings_tests::command::{self, workspace};
use tidings_tests::{Connection, Server};

use crate::ADDRESS;
use crate::commands::{Folder, Shell, await_reader};
use crate::snippets::{read, snippet};

#[test]
fn the_program_of_the_server_readme_is_an_example_and_serves() {
    let program = snippet("crates/server/README.md", "hello");
    let example = read("crates/server/examples/hello.rs");
    let code = |text: &str| {
        let kept = text
            .lines()
            .filter(|line| !line.starts_with("//!") && !line.starts_with("#!["));
        kept.collect::<Vec<_>>().join("\n").trim().to_owned()
    };
    assert_eq!(
        code(&program),
        code(&example),
        "crates/server/README.md and examples/hello.rs"
    );

    // target/PROFILE/deps/TEST
    let test = std::env::current_exe().expect("the path of this test");
    let target = test.ancestors().nth(3).expect("the target folder");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "-p",
            "tidings-server",
            "--example",
            "hello",
            "--target-dir",
        ])
        .arg(target)
        .current_dir(workspace())
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "the example builds"
    );
    let mut child = Command::new(target.join("debug/examples/hello"))
        .arg("127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    stdout
        .read_line(&mut line)
        .expect("it says where it listens");
    let address = line.trim().strip_prefix("listening on http://");
    let address = address
        .unwrap_or_else(|| panic!("{line}"))
        .parse()
        .expect("an address");
    let ask = |method: &str, target: &str, body: &[u8]| {
        Connection::open(address).request(method, target, &[], body)
    };
    assert_eq!(ask("GET", "/hello", b"").text(), "Hello, world!");
    assert_eq!(ask("POST", "/channels/news", b"x").status, 200);
    assert_eq!(
        ask("GET", "/channels/news?from=earliest", b"").data(),
        ["x"]
    );
    // As Ctrl-C does.
    let told = Command::new("kill")
        .arg("-INT")
        .arg(child.id().to_string())
        .status();
    assert!(
        told.is_ok_and(|status| status.success()),
        "the example is told to stop"
    );
    assert!(child.wait().expect("the example ends").success());
}

#[test]
fn the_commands_of_the_command_readme_do_what_it_says() {
    let serve = snippet("crates/cli/README.md", "serve");
    let folder = Folder::new("cli");
    let key = folder.0.join("key");
    std::fs::write(&key, "secret\n").expect("a key");
    let key = key.display().to_string();
    let mut count = 0;
    for line in serve.lines() {
        let words = line.split(" #").next().unwrap().split_whitespace();
        // Any free port stands for the one that the line names, or does not name.
        let words: Vec<&str> = words
            .skip(2)
            .map(|word| match word {
                "0.0.0.0:80" => "127.0.0.1:0",
                "publish.key" => &key,
                word => word,
            })
            .collect();
        let server = if words.contains(&"--listen") {
            Server::start_at(&words)
        } else {
            Server::start(&words)
        };
        server.assert_alive(line);
        count += 1;
    }
    assert!(count >= 3, "{serve}");
}

#[test]
fn the_command_publishes_what_it_subscribes_to() {
    let server = Server::start(&[]);
    let program = command::path().display().to_string();
    let at = format!("--server {}", server.url(""));
    let prepare = |name: &str| {
        let text =
            snippet("crates/cli/README.md", name).replace(ADDRESS, &server.address().to_string());
        text.lines()
            .map(|line| line.split("   #").next().unwrap())
            .map(|line| {
                line.replace("tidings publish", &format!("{program} publish {at}"))
                    .replace("tidings subscribe", &format!("{program} subscribe {at}"))
            })
            .collect::<Vec<_>>()
    };
    for (index, line) in prepare("subscribe").iter().enumerate() {
        let mut shell = Shell::run(&format!("subscribe-{index}"), line, &server);
        let transport = match line {
            line if line.contains("websocket") => "websocket",
            line if line.contains("long-poll") => "long_poll",
            line if line.contains("--via") => "sse",
            // It finds its transport by itself, and nothing is in its way.
            _ => "websocket",
        };
        await_reader(&server, transport);
        let text = format!("message {index}");
        server.publish("news", &text);
        shell.says(&text);
    }
    for (index, line) in prepare("publish").iter().enumerate() {
        let mut shell = Shell::run(&format!("publish-{index}"), line, &server);
        // A position: 16 digits, a full stop, a number.
        let position = shell.says(".");
        assert!(position.trim().len() >= 18, "{line}: {position}");
    }
    std::thread::sleep(Duration::from_millis(100));
    let data = server.get("/channels/news?from=earliest").json();
    assert!(
        data.to_string().contains("\"event\":\"greeting\""),
        "{data}"
    );
}
