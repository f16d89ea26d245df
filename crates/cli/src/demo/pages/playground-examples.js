// Octets to begin with: a good one and a bad one of everything, as text with escapes.

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n';

/** By protocol: the words on the button, the text, and `bad` where it breaks a rule. */
export const EXAMPLES = {
  requests: [
    { name: 'a poll', text: 'GET /channels/news?wait=25 HTTP/1.1\\r\\nHost: localhost\\r\\nIf-None-Match: "9f3a61c2.41"\\r\\n\\r\\n' },
    { name: 'a body in chunks', text: 'POST /channels/news HTTP/1.1\\r\\nHost: localhost\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n6;note="x"\\r\\n world\\r\\n0\\r\\nDigest: none\\r\\n\\r\\n' },
    { name: 'an upgrade, and a frame', text: `GET /chat HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n${KEY}\\r\\n\\x81\\x85\\x37\\xfa\\x21\\x3d\\x7f\\x9f\\x4d\\x51\\x58` },
    { name: 'two lengths: smuggling', bad: true, text: 'POST / HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 4\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\nGET /admin HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' },
    { name: 'a space before the colon', bad: true, text: 'GET / HTTP/1.1\\r\\nHost : localhost\\r\\n\\r\\n' },
    { name: 'a chunk of 17 digits', bad: true, text: 'POST / HTTP/1.1\\r\\nHost: localhost\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n10000000000000005\\r\\nhello\\r\\n' },
    { name: 'a line folded', bad: true, text: 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nAccept: text/html,\\r\\n  text/plain\\r\\n\\r\\n' },
  ],
  responses: [
    { name: 'hints, then news, then none', text: 'HTTP/1.1 103 Early Hints\\r\\nLink: </style.css>; rel=preload\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\nETag: "9f3a61c2.42"\\r\\nContent-Length: 5\\r\\n\\r\\nhelloHTTP/1.1 304 Not Modified\\r\\nETag: "9f3a61c2.42"\\r\\n\\r\\n' },
    { name: '101, and frames', text: 'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n\\x81\\x05Hello\\x89\\x00' },
    { name: 'lengths that disagree', bad: true, text: 'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nContent-Length: 6\\r\\n\\r\\nhello!' },
  ],
  websocket: [
    { name: 'a masked frame', text: '\\x81\\x85\\x37\\xfa\\x21\\x3d\\x7f\\x9f\\x4d\\x51\\x58' },
    { name: 'a ping between fragments', text: '\\x01\\x03Hel\\x89\\x02hi\\x80\\x02lo' },
    { name: 'a Close with a reason', text: '\\x88\\x09\\x03\\xf4restart' },
    { name: 'text that is not UTF-8', bad: true, text: '\\x81\\x04\\xc3\\xa9\\xc3\\x28' },
    { name: 'a bit that nobody agreed on', bad: true, text: '\\xc1\\x05Hello' },
    { name: '9 exabytes announced', bad: true, text: '\\x82\\x7f\\x7f\\xff\\xff\\xff\\xff\\xff\\xff\\xffabc' },
    { name: 'a length not in its shortest form', bad: true, text: '\\x81\\x7e\\x00\\x05Hello' },
    { name: 'one frame masked, the next not', bad: true, text: '\\x81\\x81\\x00\\x00\\x00\\x00a\\x81\\x01b' },
  ],
  sse: [
    { name: 'an event of two lines', text: 'retry: 3000\\nid: 42\\nevent: price\\ndata: {"AAPL":\\ndata: 187.2}\\n\\n' },
    { name: 'a byte order mark, and CR', text: '\\xef\\xbb\\xbfdata: one\\r\\rdata: two\\r\\n\\r\\n: still here\\n\\n' },
    { name: 'an id alone, and an unknown field', text: 'id: 7\\nnote: passed over\\n\\ndata\\n\\n' },
    { name: 'an event that is never dispatched', text: 'data: first\\n\\ndata: lost, for want of a blank line' },
  ],
};
