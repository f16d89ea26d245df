use tidings_tests::Server;
#[test]
fn a() {
    let s = Server::start(&[]);
    s.assert_alive("x");
}
