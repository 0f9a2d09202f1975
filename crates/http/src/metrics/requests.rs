//! Requests, by route, method and status.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntGauge};

use crate::routes::path_match::{PathMatch, templates};

/// The upper bounds of the buckets, in seconds: a check takes less than the first, a bulk change some of the last.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The route of a request whose path matched none.
const UNMATCHED: &str = "unmatched";
/// The methods that have series of their own.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// The statuses that have series of their own: all that the API answers.
const STATUSES: [u16; 18] = [200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 422, 429, 500, 503];
/// The label of what is not in a list.
const OTHER: &str = "other";

/// How many series a route has for one method: one for each status, and one for the others.
const PER_METHOD: usize = STATUSES.len() + 1;
/// How many series a route has.
const PER_ROUTE: usize = (METHODS.len() + 1) * PER_METHOD;

/// Counts and durations of requests.
pub(crate) struct RequestMetrics {
    durations: HistogramVec,
    /// The histogram of each combination of labels, once it was needed: the vector above has a lock.
    series: Box<[OnceLock<Histogram>]>,
    in_progress: IntGauge,
}

/// The series of a route and a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteSeries {
    first: usize,
    method: usize,
    route: &'static str,
}

/// A request that is being answered, until this is dropped.
pub(crate) struct InProgress(IntGauge);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl RequestMetrics {
    pub(super) fn new() -> prometheus::Result<Self> {
        let options = HistogramOpts::new(
            "guildhall_http_request_duration_seconds",
            "Answered requests, and how long it took until the answer could be sent",
        );
        let series = (0..(templates() + 1) * PER_ROUTE).map(|_| OnceLock::new()).collect();
        Ok(Self {
            durations: HistogramVec::new(options.buckets(BUCKETS.to_vec()), &["method", "route", "status"])?,
            series,
            in_progress: IntGauge::new("guildhall_http_requests_in_progress", "Requests that are being answered")?,
        })
    }

    pub(super) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.durations.clone()), Box::new(self.in_progress.clone())]
    }

    /// Begins a request.
    pub(crate) fn begin(&self) -> InProgress {
        self.in_progress.inc();
        InProgress(self.in_progress.clone())
    }

    /// Notes that a request was answered with `status` after this time.
    pub(crate) fn answered(&self, series: RouteSeries, status: StatusCode, took: Duration) {
        let code = status.as_u16();
        let place = STATUSES.iter().position(|known| *known == code).unwrap_or(STATUSES.len());
        let Some(cell) = self.series.get(series.first + place) else { return };
        let seconds = took.as_secs_f64();
        if let Some(histogram) = cell.get() {
            histogram.observe(seconds);
            return;
        }
        let method = METHODS.get(series.method).copied().unwrap_or(OTHER);
        let status = STATUSES.get(place).map_or_else(|| OTHER.to_owned(), ToString::to_string);
        if let Ok(histogram) = self.durations.get_metric_with_label_values(&[method, series.route, &status]) {
            cell.get_or_init(|| histogram).observe(seconds);
        }
    }
}

impl RouteSeries {
    /// The series of a request of `method` that matched `path`.
    pub(crate) fn of(path: Option<&PathMatch>, method: &Method) -> Self {
        let (place, route) = path.map_or((0, UNMATCHED), |path| (path.place() + 1, path.template()));
        let method = METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len());
        Self { first: place * PER_ROUTE + method * PER_METHOD, method, route }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use actix_web::http::{Method, StatusCode};
    use prometheus::core::Collector as _;

    use super::{RequestMetrics, RouteSeries};
    use crate::routes::path_match::PathMatch;
    use crate::routes::routes;

    #[test]
    fn every_route_method_and_status_has_a_series_of_its_own_and_what_clients_make_up_has_one_together() {
        let metrics = RequestMetrics::new().unwrap();
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW", "TRACE", "X-1"];
        let statuses = [200, 201, 204, 404, 418, 429, 500, 503, 507];
        let mut paths: BTreeSet<String> =
            routes().iter().map(|route| route.template().replace(['{', '}'], "")).collect();
        let templates = paths.len();
        paths.extend(["/nowhere".to_owned(), "/else/where".to_owned()]);
        for path in &paths {
            let found = PathMatch::find(path);
            for method in methods {
                let series = RouteSeries::of(found.as_ref(), &Method::from_bytes(method.as_bytes()).unwrap());
                for status in statuses {
                    let status = StatusCode::from_u16(status).unwrap();
                    metrics.answered(series, status, Duration::from_millis(3));
                }
            }
        }
        let families = metrics.durations.collect();
        let counted: Vec<_> = families[0]
            .get_metric()
            .iter()
            .map(|metric| {
                let labels: Vec<_> = metric.get_label().iter().map(|pair| pair.value().to_owned()).collect();
                (labels, metric.get_histogram().get_sample_count())
            })
            .collect();
        // Three methods and two statuses that are in no list have one series together; so have the two paths.
        assert_eq!(counted.len(), (templates + 1) * 8 * 8);
        for (labels, count) in counted {
            let [method, route, status] = &labels[..] else { panic!("{labels:?}") };
            let folded = |label: &str, name: &str, times: u64| if label == name { times } else { 1 };
            let expected = folded(method, "other", 3) * folded(route, "unmatched", 2) * folded(status, "other", 2);
            assert_eq!(count, expected, "{labels:?}");
        }
    }
}
