//! Reads chunked content from standard input and tells its chunks: `curl -s --raw URL | cargo run --example chunks`.

use std::io::{Read, stdin};

use lab::chunk_line;

fn main() -> std::io::Result<()> {
    let (mut input, mut piece) = (Vec::new(), [0; 1024]);
    loop {
        let len = stdin().read(&mut piece)?;
        if len == 0 {
            println!(
                "the end, with {} octets of a chunk that is not whole",
                input.len()
            );
            return Ok(());
        }
        input.extend_from_slice(&piece[..len]);
        loop {
            match chunk_line(&input) {
                Err(error) => {
                    println!("{error:?}");
                    return Ok(());
                }
                Ok(Some((0, _))) => {
                    println!("the last chunk");
                    return Ok(());
                }
                Ok(Some((size, used))) => {
                    // A real reader hands data out as it comes, and does not wait for a whole chunk.
                    let end = usize::try_from(size)
                        .ok()
                        .and_then(|size| size.checked_add(used));
                    let Some(data) = end.and_then(|end| input.get(used..end)) else {
                        break;
                    };
                    let behind = used + data.len();
                    let Some(crlf) = input.get(behind..behind + 2) else {
                        break;
                    };
                    if crlf != b"\r\n" {
                        println!("no CRLF behind the data");
                        return Ok(());
                    }
                    println!("{size} octets: {}", data.escape_ascii());
                    input.drain(..behind + 2);
                }
                Ok(None) => break,
            }
        }
    }
}
