//! What is counted of the process, and which program it is. The rest is counted where it happens.

mod process;

use prometheus::{IntGauge, Opts, Registry};

use crate::telemetry::Telemetry;
use process::ProcessCollector;

/// The registry of all metrics of this process, with those that are there before anything else starts.
pub(crate) fn registry(telemetry: &Telemetry) -> prometheus::Result<Registry> {
    let registry = Registry::new();
    let build = Opts::new("guildhall_build_info", "Always 1; the labels say which program this is")
        .const_label("version", env!("CARGO_PKG_VERSION"));
    let build = IntGauge::with_opts(build)?;
    build.set(1);
    registry.register(Box::new(build))?;
    registry.register(Box::new(ProcessCollector::new()?))?;
    telemetry.register_metrics(&registry)?;
    Ok(registry)
}
