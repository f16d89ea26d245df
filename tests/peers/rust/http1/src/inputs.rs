//! The heads that are parsed: the two that httparse measures itself with, and one as long as is asked for.

/// 68 octets, 2 field lines.
pub const SHORT: &[u8] = b"\
GET / HTTP/1.0\r\n\
Host: example.com\r\n\
Cookie: session=60; user_id=1\r\n\r\n";

/// 703 octets, 9 field lines.
pub const LONG: &[u8] = b"\
GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n\
Host: www.kittyhell.com\r\n\
User-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3 Pathtraq/0.9\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
Accept-Language: ja,en-us;q=0.7,en;q=0.3\r\n\
Accept-Encoding: gzip,deflate\r\n\
Accept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\n\
Keep-Alive: 115\r\n\
Connection: keep-alive\r\n\
Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; __utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; __utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|utmcct=/reader/|utmcmd=referral|padding=under256\r\n\r\n";

/// A head of `len` octets with a field line in every 120.
pub fn head_of(len: usize) -> Vec<u8> {
    let mut head = b"GET /path HTTP/1.1\r\nHost: example.com\r\n".to_vec();
    while head.len() + 2 < len {
        let line = (len - 2 - head.len()).min(120);
        // A line that leaves less than a whole one behind it takes the rest.
        let line = if len - 2 - head.len() - line < 16 {
            len - 2 - head.len()
        } else {
            line
        };
        head.extend_from_slice(b"X-Field: ");
        head.resize(head.len() + line - 11, b'v');
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    assert_eq!(head.len(), len);
    head
}
