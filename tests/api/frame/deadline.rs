//! A request is answered within its deadline, its body included.
use crate::support::World;
use actix_web::HttpServer;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Sends bytes and reads until the server closes; how long that took.
async fn exchange(address: SocketAddr, bytes: &'static str) -> (String, Duration) {
    actix_web::web::block(move || {
        let began = Instant::now();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A connection that is reset after the answer was closed too.
        let _ = stream.read_to_end(&mut answer);
        (String::from_utf8(answer).unwrap(), began.elapsed())
    })
    .await
    .unwrap()
}

#[actix_web::test]
async fn a_body_that_never_comes_is_408_and_the_connection_closes() {
    let world = World::new().await;
    let mut parts = world.parts.clone();
    parts.deadline = Duration::from_millis(300);
    let server = HttpServer::new(move || parts.app()).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let head =
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 64\r\n\r\n{";
    let (answer, took) = exchange(address, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"timeout\"") && answer.to_lowercase().contains("connection: close"), "{answer}");
    assert!(answer.to_lowercase().contains("x-request-id: "), "{answer}");
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{took:?}");
    // The worker goes on.
    let (answer, _) = exchange(address, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    handle.stop(false).await;
}
