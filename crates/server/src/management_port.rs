//! The management port.

use std::thread;

use anyhow::Result;
use guildhall_http::{Management, serve_management};
use tokio::task::LocalSet;

use crate::sockets::listen;

/// Serves the management port on a thread of its own, from before anything that takes time until the process ends. The runtime of the service does
/// nothing while it starts.
pub(crate) fn serve(management: &Management, host: &str, port: u16) -> Result<()> {
    let listener = listen(host, port)?;
    let address = listener.local_addr()?;
    let management = management.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("management".to_owned()).spawn(move || {
        let serving = LocalSet::new();
        if let Err(error) = runtime.block_on(serving.run_until(serve_management(management, listener))) {
            tracing::error!(%error, "the management port is not served: {error}");
        }
    })?;
    tracing::info!(%address, "metrics and health at http://{address}/metrics");
    Ok(())
}
