//! The peer in Rust: a program for each request, by hyper and tokio::process.

use std::convert::Infallible;
use std::net::TcpListener;
use std::process::{ExitStatus, Stdio};
use std::{env, io};

use bytes::{Bytes, BytesMut};
use hyper::body::Sender;
use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Method, Request, Response, Server, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::signal::unix::{signal, SignalKind};

const PIECE_BYTES: usize = 64 << 10;

/// What a program has said by now, in one piece; empty at the end of it.
async fn piece(stdout: &mut ChildStdout) -> io::Result<Bytes> {
    let mut data = BytesMut::with_capacity(PIECE_BYTES);
    stdout.read_buf(&mut data).await?;
    Ok(data.freeze())
}

/// What a program complains of is for the server's own stderr.
async fn pass_on(mut stderr: ChildStderr) -> io::Result<()> {
    let mut data = Vec::new();
    while stderr.read_buf(&mut data).await? > 0 {
        tokio::io::stderr().write_all(&data).await?;
        data.clear();
    }
    Ok(())
}

/// Send the rest as it comes.  A client that goes away ends this, and so the program; a
/// program that fails ends the answer, so that it does not look complete.
async fn stream(first: Bytes, mut stdout: ChildStdout, mut child: Child, mut body: Sender) {
    let mut data = first;
    while !data.is_empty() {
        if body.send_data(data).await.is_err() {
            return;
        }
        data = match piece(&mut stdout).await {
            Ok(data) => data,
            Err(_) => return body.abort(),
        };
    }
    match child.wait().await {
        Ok(status) if status.success() => (),
        _ => body.abort(),
    }
}

fn failure(text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

fn without_output(status: ExitStatus) -> Response<Body> {
    match status.code() {
        Some(0) => Response::new(Body::empty()),
        Some(code) => failure(format!("exit {code}\n")),
        None => failure(format!("{status}\n")),
    }
}

/// Run a program; its first output, or its end, makes the head of the answer.
async fn run(program: &str, args: &[&str]) -> io::Result<Response<Body>> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdout = child.stdout.take().unwrap();
    tokio::spawn(pass_on(child.stderr.take().unwrap()));

    let first = piece(&mut stdout).await?;
    if first.is_empty() {
        return Ok(without_output(child.wait().await?));
    }
    let (sender, body) = Body::channel();
    tokio::spawn(stream(first, stdout, child, sender));
    Ok(Response::new(body))
}

struct Files {
    file: String,
    large: String,
}

async fn answer(request: Request<Body>, files: &Files) -> Result<Response<Body>, Infallible> {
    let answer = match (request.method(), request.uri().path()) {
        (&Method::GET, "/echo") => run("echo", &["hi"]).await,
        (&Method::GET, "/cat") => run("cat", &[&files.file]).await,
        (&Method::GET, "/large") => run("cat", &[&files.large]).await,
        (&Method::GET, "/fail") => run("false", &[]).await,
        (&Method::GET, "/sleep") => run("sleep", &["0.02"]).await,
        _ => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_FOUND;
            Ok(response)
        }
    };
    Ok(answer.unwrap_or_else(|error| failure(format!("{error}\n"))))
}

/// Memory that the server holds, and has touched.
fn ballast() -> Result<Vec<u8>, String> {
    let text = env::var("BENCH_BALLAST_MB").unwrap_or_else(|_| "0".into());
    match text.parse::<u32>() {
        Ok(megabytes) => Ok(vec![1; (megabytes as usize) << 20]),
        Err(error) => Err(format!("BENCH_BALLAST_MB: '{text}': {error}")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ballast = ballast()?;
    let files: &'static Files = Box::leak(Box::new(Files {
        file: env::var("BENCH_FILE").unwrap_or_default(),
        large: env::var("BENCH_LARGE").unwrap_or_default(),
    }));
    let service = make_service_fn(|_| async move {
        Ok::<_, Infallible>(service_fn(move |request| answer(request, files)))
    });

    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let server = Server::from_tcp(listener)?.tcp_nodelay(true).serve(service);
    println!("{port}");

    // Programs that still run are dropped with the runtime, and so killed.
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        result = server => result?,
        _ = terminated.recv() => (),
    }
    drop(ballast);
    Ok(())
}
