//! Waiting for what happens by itself.

use std::time::Duration;

/// Long enough for whatever is tried again later and later, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// Asks again and again until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let poll = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, poll).await.unwrap_or_else(|_| panic!("it never comes about that {what}"));
}
