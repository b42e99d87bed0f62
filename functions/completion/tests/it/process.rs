//! The function as Lambda runs it: a process that asks the runtime API for events.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::fixture::queue_event;

/// Longest wait for what a process does within milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A runtime API that answers every question with the same event.
struct RuntimeApi {
    address: String,
    told: Receiver<(String, String)>,
}

impl RuntimeApi {
    fn start(event: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, told) = channel();
        // Each connection stands alone: which one a process takes for what is its own affair.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tell, event) = (tell.clone(), event.clone());
                thread::spawn(move || serve(stream, &event, &tell));
            }
        });
        Self { address, told }
    }

    /// The binary of the function, with these variables besides the API's.
    fn function(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pollwheel-completion"));
        command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("AWS_LAMBDA_RUNTIME_API", &self.address).envs(variables.iter().copied());
        command
    }

    /// What the function tells the API next: a path and a body.
    fn told(&self) -> (String, String) {
        self.told.recv_timeout(PATIENCE).unwrap()
    }
}

fn serve(mut stream: TcpStream, event: &str, tell: &Sender<(String, String)>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((method, path, body)) = request(&mut reader) {
        if method == "POST" {
            answer(&mut stream, "202 Accepted", "");
            // The test may have what it wanted, and be gone.
            let _ = tell.send((path, body));
        } else {
            answer(&mut stream, "200 OK", event);
        }
    }
}

/// Method, path and body of the next request of a connection.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, String, String)> {
    let mut line = String::new();
    let mut next_line = |reader: &mut BufReader<TcpStream>| {
        line.clear();
        // A process that is ended resets its connections.
        reader.read_line(&mut line).unwrap_or_default();
        line.trim_end().to_owned()
    };
    let first = next_line(reader);
    let (method, path) = first.split_once(' ')?;
    let mut length = 0;
    loop {
        let header = next_line(reader).to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = path.split(' ').next().unwrap_or_default().to_owned();
    Some((method.to_owned(), path, String::from_utf8(body).unwrap()))
}

fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let deadline = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() + 30_000;
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nLambda-Runtime-Aws-Request-Id: r-1\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:f\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

#[test]
fn r20_a_function_that_cannot_start_tells_lambda_everything_that_is_missing() {
    let api = RuntimeApi::start(String::new());
    let function = api.function(&[("POLLWHEEL_BUS", "bus")]).spawn().unwrap();
    let (path, body) = api.told();
    let output = function.wait_with_output().unwrap();
    assert_eq!((path.as_str(), output.status.code()), ("/2018-06-01/runtime/init/error", Some(1)));
    for variable in ["POLLWHEEL_JOBS_TABLE", "POLLWHEEL_REGISTRATIONS_TABLE", "AWS_REGION"] {
        assert!(body.contains(variable) && text(&output).contains(variable), "{body}\n{}", text(&output));
    }
    assert!(!body.contains("POLLWHEEL_BUS"), "{body}");
}

#[test]
fn r14_the_answer_of_the_process_is_exactly_the_batch_response() {
    let api = RuntimeApi::start(queue_event("completed", &[("m-1", "not JSON")]));
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/rendered");
    let mut function = api
        .function(&[
            ("AWS_LAMBDA_FUNCTION_NAME", "pollwheel-test-completion"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("LAMBDA_TASK_ROOT", package),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "none"),
            ("AWS_SECRET_ACCESS_KEY", "none"),
            ("POLLWHEEL_JOBS_TABLE", "jobs"),
            ("POLLWHEEL_REGISTRATIONS_TABLE", "registrations"),
            ("POLLWHEEL_CONTROL_TABLE", "control"),
            ("POLLWHEEL_BUS", "bus"),
        ])
        .spawn()
        .unwrap();
    let (path, body) = api.told();
    function.kill().unwrap();
    let output = function.wait_with_output().unwrap();
    assert_eq!(path, "/2018-06-01/runtime/invocation/r-1/response", "{}", text(&output));
    assert_eq!(body, r#"{"batchItemFailures":[{"itemIdentifier":"m-1"}]}"#);
    let metrics = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        metrics.contains(r#""RecordsFailed":1"#) && metrics.contains(r#""Stack":"pollwheel-test""#),
        "{metrics}"
    );
}
