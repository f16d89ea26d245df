//! The page of the README, in a browser.

use core::time::Duration;
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use serde_json::json;
use tidings_tests::{Server, peer};

use crate::ADDRESS;
use crate::browser::Browser;
use crate::commands::{Folder, Shell, await_reader};
use crate::snippets::snippet;

/// What the page shows, a text an item.
const ITEMS: &str = "[...document.querySelectorAll('li')].map((item) => item.textContent)";

#[test]
fn the_page_shows_messages_as_text_and_publishes() {
    let html = snippet("README.md", "page");
    let lines = snippet("README.md", "serve-page");
    if peer::program("chromium").is_none() || peer::program("python3").is_none() {
        return;
    }
    // A port that nobody listens on, for the page's own server.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let lines = lines.replace("8000", &port.to_string());
    let (serve, python) = lines.split_once('\n').expect("two lines");
    let arguments: Vec<&str> = serve.split_whitespace().collect();
    let Some(at) = arguments.iter().position(|word| *word == "serve") else {
        panic!("{serve}");
    };
    let server = Server::start(&arguments[at + 1..]);
    let markup = "<img src=x onerror='window.ran = 1'><script>window.ran = 1</script>";
    server.publish("news", markup);

    let site = Folder::new("page");
    let html = html.replace(ADDRESS, &server.address().to_string());
    std::fs::write(site.0.join("page.html"), html).expect("the page is written");
    let python = format!("cd {} && {python}", site.0.display());
    let _site = Shell::run("site", &python, &server);
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the page is not served"
        );
        std::thread::sleep(Duration::from_millis(20));
    }

    let Some(mut browser) = Browser::open(&format!("http://localhost:{port}/page.html")) else {
        return;
    };
    browser.awaits(ITEMS, &json!([markup]));
    await_reader(&server, "sse");
    let own = "from the page & <b>its</b> form";
    browser.value(&format!(
        "document.forms[0].text.value = {}; document.querySelector('button').click()",
        json!(own)
    ));
    browser.awaits(ITEMS, &json!([markup, own]));
    server.publish("news", "third");
    browser.awaits(ITEMS, &json!([markup, own, "third"]));

    assert_eq!(browser.value("document.querySelectorAll('li *').length"), 0);
    assert_eq!(browser.value("typeof window.ran"), "undefined");
    assert_eq!(browser.value("document.forms[0].text.value"), "");
    assert_eq!(
        server.get("/channels/news?from=earliest").data(),
        [markup, own, "third"]
    );
}

/// Opens the page from a file, whose origin is `null`; `None` where Chromium is missing.
fn open_file(server: &Server) -> Option<(Browser, Folder)> {
    let html = snippet("README.md", "page").replace(ADDRESS, &server.address().to_string());
    let site = Folder::new("file");
    std::fs::write(site.0.join("page.html"), html).expect("the page is written");
    let url = format!("file://{}/page.html", site.0.display());
    Some((Browser::open(&url)?, site))
}

#[test]
fn without_the_flag_the_page_reads_nothing_and_publishes_nothing() {
    let server = Server::start(&[]);
    server.publish("news", "secret");
    let Some((mut browser, _site)) = open_file(&server) else {
        return;
    };
    browser.awaits("document.readyState", &json!("complete"));
    let publish = "fetch(news, {method: 'POST', body: 'x'}).catch(() => { window.refused = 1 })";
    browser.value(&format!("{publish}; 0"));
    browser.awaits("window.refused", &json!(1));
    assert_eq!(browser.value(ITEMS), json!([]));
    assert_eq!(
        server.get("/channels/news?from=earliest").data(),
        ["secret"]
    );
}

#[test]
fn from_a_file_the_page_works_where_null_is_allowed() {
    let server = Server::start(&["--allow-origin", "null"]);
    server.publish("news", "told");
    let Some((mut browser, _site)) = open_file(&server) else {
        return;
    };
    browser.awaits(ITEMS, &json!(["told"]));
}

#[test]
fn the_library_for_pages_works_as_its_document_shows() {
    let server = Server::start(&[]);
    server.publish("news", "kept");
    for (name, want) in [
        ("tidings", json!(["kept", "Hello"])),
        ("reader", json!(["kept", "Hello"])),
    ] {
        // A document of the server's own origin that runs nothing.
        let Some(mut browser) = Browser::open(&server.url("/tidings.d.ts")) else {
            return;
        };
        let text = snippet("docs/tidings-js.md", name);
        let (import, rest) = text.split_once(';').expect("an import first");
        let import = import
            .replace("import {", "const {")
            .replace("} from '/tidings.js'", "} = await import('/tidings.js')");
        assert!(import.contains("await import"), "{import}");
        browser.value(&format!(
            "window.shown = []; window.show = (data) => shown.push(data); window.showLoss = () => {{}};
            (async () => {{ {import}; {rest} }})(); 0"
        ));
        browser.awaits("window.shown", &want);
    }
}
