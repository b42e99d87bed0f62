//! Telling Lambda why a function cannot start, in words, instead of ending with a bare exit status.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest wait for the runtime API, which is on the same machine.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Logs the error and reports it to the runtime API. The process is to end after it: Lambda starts the next one afresh.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>
pub(super) fn report(error: &(dyn std::error::Error + 'static)) {
    let text = chain(error);
    tracing::error!(error = text, "the function cannot start");
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else { return };
    if let Err(error) = post(&api, &text) {
        tracing::error!(%error, "the runtime API could not be told");
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors show their cause themselves.
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

fn post(api: &str, text: &str) -> std::io::Result<()> {
    let body = serde_json::json!({"errorType": "Pollwheel.Configuration", "errorMessage": text}).to_string();
    let mut stream = TcpStream::connect(api)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\n\
         Lambda-Runtime-Function-Error-Type: Pollwheel.Configuration\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    // Its answer says nothing of use; waiting for it keeps the request from being cut off.
    stream.read(&mut [0; 64]).map(drop)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn r20_the_runtime_api_is_told_the_whole_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            while !String::from_utf8_lossy(&request).contains("`A` is missing") {
                let read = stream.read(&mut piece).unwrap();
                request.extend_from_slice(&piece[..read]);
            }
            stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").unwrap();
            String::from_utf8(request).unwrap()
        });
        post(&api, "`A` is missing").unwrap();
        let request = server.join().unwrap();
        assert!(request.starts_with("POST /2018-06-01/runtime/init/error HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(r#""errorMessage":"`A` is missing""#), "{request}");
    }
}
