//! The web server: the page, and the exchange of descriptions.
//!
//! ```text
//! POST /offer       {sdp}      -> {id, sdp}    the page offers, the library answers
//! POST /connection  {video}    -> {id, sdp}    the library offers…
//! POST /answer      {id, sdp}  -> {}           …and the page answers
//! GET  /alive                  -> {}
//! ```

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context as _, anyhow, bail};
use mio::Waker;
use pollrtc::Instant;
use serde::Deserialize;
use serde_json::{Value, json};
use tiny_http::{Header, Method, Response, Server};

use crate::App;
use crate::session::Session;

pub(crate) use tiny_http::Request;

/// Starts the server: the requests, and the URL of the page.
#[expect(
    clippy::disallowed_methods,
    reason = "tiny_http gives requests to those who block"
)]
pub(crate) fn serve(
    listen: SocketAddr,
    waker: &Arc<Waker>,
) -> anyhow::Result<(Receiver<Request>, String)> {
    let server = Server::http(listen).map_err(|e| anyhow!("cannot listen on {listen}: {e}"))?;
    let address = server.server_addr().to_ip().context("no address")?;
    let (sender, receiver) = channel();
    let waker = Arc::clone(waker);
    std::thread::spawn(move || {
        for request in server.incoming_requests() {
            if sender.send(request).is_err() || waker.wake().is_err() {
                return;
            }
        }
    });
    Ok((receiver, format!("http://{address}/")))
}

/// Answers one request.
pub(crate) fn answer(mut request: Request, app: &mut App, now: Instant) {
    let path = request
        .url()
        .split('?')
        .next()
        .unwrap_or_default()
        .to_owned();
    let response = match (request.method(), path.as_str()) {
        (Method::Get | Method::Head, path) => match page(path) {
            Some((kind, body)) => with_type(Response::from_string(body), kind),
            None => failure(404, "there is no such page"),
        },
        (Method::Post, path) => match post(path, &mut request, app, now) {
            Ok(Some(session)) => return session.keep_waiting(request),
            Ok(None) => json(&json!({})),
            Err(e) => failure(400, &format!("{e:#}")),
        },
        _ => failure(405, "only GET and POST are understood"),
    };
    // A browser that is gone needs no answer.
    let _ = request.respond(response);
}

/// Answers the request that waited for this description.
pub(crate) fn describe(request: Request, id: usize, sdp: &str) {
    let _ = request.respond(json(&json!({ "id": id, "sdp": sdp })));
}

fn page(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "/" | "/index.html" => ("text/html; charset=utf-8", include_str!("page/index.html")),
        "/style.css" => ("text/css; charset=utf-8", include_str!("page/style.css")),
        "/app.js" => (
            "text/javascript; charset=utf-8",
            include_str!("page/app.js"),
        ),
        "/connection.js" => (
            "text/javascript; charset=utf-8",
            include_str!("page/connection.js"),
        ),
        "/icon.svg" => ("image/svg+xml", include_str!("page/icon.svg")),
        "/alive" => ("application/json", "{}"),
        _ => return None,
    })
}

#[derive(Deserialize)]
struct Body {
    id: Option<usize>,
    sdp: Option<String>,
    #[serde(default)]
    video: bool,
}

/// A session that is given back has a description to tell once its candidates are found.
fn post<'a>(
    path: &str,
    request: &mut Request,
    app: &'a mut App,
    now: Instant,
) -> anyhow::Result<Option<&'a mut Session>> {
    // A form of another site cannot send this type without being asked first.
    let is_json = |header: &Header| {
        header.field.equiv("content-type") && header.value.as_str() == "application/json"
    };
    if !request.headers().iter().any(is_json) {
        bail!("the request is not JSON");
    }
    let mut text = String::new();
    request
        .as_reader()
        .take(MAX_BODY)
        .read_to_string(&mut text)?;
    let body: Body = serde_json::from_str(&text).context("the request is not as expected")?;
    let sdp = body.sdp.unwrap_or_default();
    match path {
        "/offer" => {
            let session = app.open_session(now)?;
            session.answer(sdp)?;
            Ok(Some(session))
        }
        "/connection" => {
            let session = app.open_session(now)?;
            session.offer(body.video)?;
            Ok(Some(session))
        }
        "/answer" => {
            let session = body
                .id
                .and_then(|id| app.sessions.get_mut(&id))
                .context("the offer has expired")?;
            session.take_answer(sdp)?;
            Ok(None)
        }
        _ => bail!("there is no such service"),
    }
}

fn failure(status: u16, why: &str) -> Response<std::io::Cursor<Vec<u8>>> {
    json(&json!({ "error": why })).with_status_code(status)
}

fn json(value: &Value) -> Response<std::io::Cursor<Vec<u8>>> {
    with_type(Response::from_string(value.to_string()), "application/json")
}

fn with_type<R: std::io::Read>(response: Response<R>, kind: &str) -> Response<R> {
    let headers = [
        ("content-type", kind),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ];
    headers
        .into_iter()
        .filter_map(|(name, value)| Header::from_bytes(name, value).ok())
        .fold(response, Response::with_header)
}

/// The largest description taken, in bytes.
const MAX_BODY: u64 = 64 << 10;
