//! The newest events, which one stream reads and others take over: a thousand streams cost what a few do.

use std::sync::{Arc, Mutex, PoisonError};

use guildhall_domain::access;
use guildhall_domain::access::Permission;
use guildhall_domain::directory::EventPage;
use guildhall_domain::event::Event;
use guildhall_domain::ports::{EventOrder, EventQuery};

use super::body::next;
use crate::Api;
use crate::extract::caller::Caller;
use crate::respond::problem::Problem;
use crate::work::{Lane, run};

/// How far a stream may be behind the last event to be among those that read together. What is further back, each finds by its own filters and indexes.
const NEAR: u64 = 1000;
/// The most events that are read at once.
const AT_ONCE: u32 = 100;

/// The page that was read last.
#[derive(Default)]
pub(super) struct SharedEvents {
    page: tokio::sync::Mutex<Option<Arc<SharedPage>>>,
}

/// All events after one place, up to another.
struct SharedPage {
    after: u64,
    until: u64,
    events: Vec<Event>,
    /// Who was found to be permitted to read events after they had been read.
    permitted: Mutex<Vec<access::Caller>>,
}

impl SharedEvents {
    /// Whether a stream can read with others what comes after `after`.
    pub(super) fn are_near(query: &EventQuery, after: u64, last: u64) -> bool {
        query.order == EventOrder::Ascending && after.saturating_add(NEAR) >= last
    }

    /// The events of a query that come after `after` soon, and where the next ones begin.
    ///
    /// # Errors
    ///
    /// When the caller may not read events any more, or the store failed.
    pub(super) async fn following(
        &self,
        api: &Api,
        caller: &Caller,
        (query, after): (&EventQuery, u64),
    ) -> Result<(Vec<Event>, u64), Problem> {
        let mut held = self.page.lock().await;
        let found = held.as_ref().filter(|page| (page.after..page.until).contains(&after)).map(Arc::clone);
        let page = if let Some(page) = found {
            drop(held);
            page.permit(api, caller).await?;
            page
        } else {
            let page = Arc::new(SharedPage::read(api, caller, after).await?);
            *held = Some(Arc::clone(&page));
            page
        };
        let query = EventQuery { after: Some(after), ..query.clone() };
        let is_filtered = query != EventQuery { after: query.after, limit: query.limit, ..EventQuery::default() };
        let takes = |event: &&Event| {
            event.sequence > after
                && (!is_filtered
                    || query.takes(event, event.actor(), event.group(), |user| event.users().contains(&user)))
        };
        Ok((page.events.iter().filter(takes).cloned().collect(), page.until.max(after)))
    }
}

impl SharedPage {
    async fn read(api: &Api, caller: &Caller, after: u64) -> Result<Self, Problem> {
        let query = EventQuery::following(after, AT_ONCE);
        let asked = query.clone();
        let read = move |api: &Api, context: &guildhall_domain::context::Context| api.directory.events(context, &query);
        let page: EventPage = run(api, Lane::Read, caller.clone(), read).await?;
        let until = next(&page, &asked);
        Ok(Self { after, until, events: page.events, permitted: Mutex::new(vec![caller.0.clone()]) })
    }

    /// Fails unless the caller may read events. Of several streams of one caller, one asks: whoever was permitted after the events were there may read them.
    async fn permit(&self, api: &Api, caller: &Caller) -> Result<(), Problem> {
        let permitted = || self.permitted.lock().unwrap_or_else(PoisonError::into_inner);
        if permitted().contains(&caller.0) {
            return Ok(());
        }
        caller.authorise(api, Permission::ReadEvents).await?;
        permitted().push(caller.0.clone());
        Ok(())
    }
}
