//! A server that speaks as much of the Hugging Face hub as a download of two parquet files needs.
//!
//! `hf-hub` lists the files (GET on the API), asks for each file's tag and commit (HEAD), then for its bytes (GET).

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Serves one data set until it is dropped.
pub(crate) struct HubServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    repository: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    stopping: AtomicBool,
    requests: Mutex<Vec<String>>,
}

impl HubServer {
    /// Serves `files`, named by their paths in `repository`. A file without bytes is listed, but asking for it is answered with 503.
    pub(crate) fn start(repository: &'static str, files: Vec<(&'static str, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { repository, files, stopping: AtomicBool::new(false), requests: Mutex::default() });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if of_thread.stopping.load(Ordering::SeqCst) {
                    return;
                }
                // One after the other is enough, as every answer closes its connection. A client that went away is no failure.
                drop(connection.and_then(|connection| of_thread.answer(connection)));
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Each request so far: method, path and `authorization` header.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for HubServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn answer(&self, mut connection: TcpStream) -> std::io::Result<()> {
        let lines: Vec<String> = BufReader::new(&connection).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let mut request = lines.first().map(String::as_str).unwrap_or_default().split(' ');
        let (method, path) = (request.next().unwrap_or_default(), request.next().unwrap_or_default());
        let token = lines.iter().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("without token");
        self.requests.lock().unwrap().push(format!("{method} {path} {token}"));
        let (status, headers, body) = self.response(path);
        let length = body.len();
        write!(connection, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n")?;
        if method == "GET" { connection.write_all(&body) } else { Ok(()) }
    }

    /// The status, the headers of its own and the body for `path`.
    fn response(&self, path: &str) -> (&'static str, String, Vec<u8>) {
        let repository = self.repository;
        if path == format!("/api/datasets/{repository}/revision/refs%2Fconvert%2Fparquet") {
            let others = [".gitattributes"].into_iter();
            let names = others.chain(self.files.iter().map(|file| file.0)).map(|name| format!(r#"{{"rfilename":"{name}"}}"#));
            let siblings = names.collect::<Vec<_>>().join(",");
            let body = format!(r#"{{"id":"{repository}","sha":"{COMMIT}","siblings":[{siblings}]}}"#);
            return ("200 OK", "Content-Type: application/json\r\n".into(), body.into_bytes());
        }
        let prefix = format!("/datasets/{repository}/resolve/refs%2Fconvert%2Fparquet/");
        let file = path.strip_prefix(&prefix).and_then(|path| self.files.iter().position(|file| file.0 == path));
        match file {
            Some(index) if self.files[index].1.is_empty() => ("503 Service Unavailable", String::new(), b"out of order".into()),
            Some(index) => ("200 OK", format!("ETag: \"tag-{index}\"\r\nX-Repo-Commit: {COMMIT}\r\n"), self.files[index].1.clone()),
            None => ("404 Not Found", String::new(), br#"{"error":"there is no such thing"}"#.into()),
        }
    }
}
