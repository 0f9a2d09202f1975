//! Checks of membership that are asked of the store together.

use std::iter;
use std::num::NonZeroUsize;
use std::sync::{Arc, mpsc};

use actix_web::App;
use actix_web::http::Method;
use actix_web::rt;
use actix_web::test::{TestRequest, call_service, init_service};
use guildhall_domain::ports::{
    Cancellation, MembershipAnswer, MembershipQuestion, Reader, Store, StoreError, Undo, Writer,
};
use guildhall_http::{LaneSizes, configure};

use crate::store::{Mood, Moody, SlowToRead};
use crate::world::{ADMINISTRATOR, ORDINARY, UNKNOWN, World, by};

/// Tells how many checks it is asked together, and does not answer before it may.
struct Counting {
    store: Arc<Moody>,
    counts: mpsc::Sender<usize>,
    may_answer: std::sync::Mutex<mpsc::Receiver<()>>,
}

impl Store for Counting {
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        self.store.reading(cancellation, work)
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.store.writing(work)
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.store.writing_alone(work)
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.store.ready()
    }

    fn check(&self, wanted: &Cancellation, check: &MembershipQuestion<'_>) -> Result<MembershipAnswer, StoreError> {
        self.told(1);
        self.store.check(wanted, check)
    }

    fn check_together(&self, checks: &[MembershipQuestion<'_>]) -> Vec<Result<MembershipAnswer, StoreError>> {
        self.told(checks.len());
        self.store.check_together(checks)
    }
}

impl Counting {
    fn told(&self, count: usize) {
        self.counts.send(count).unwrap();
        let _ = self.may_answer.lock().unwrap().recv();
    }
}

fn requests() -> impl Iterator<Item = (TestRequest, String)> {
    let paths =
        ["everyone/users/bob", "soap/users/bob", "soap/users/@current", "nothing/users/bob", "soap/users/nobody"];
    paths.into_iter().flat_map(|path| {
        [ADMINISTRATOR, ORDINARY, UNKNOWN].map(|token| {
            (by(token, Method::HEAD, &format!("/api/security/groups/{path}")), format!("{path} by {token}"))
        })
    })
}

/// The statuses of all requests of [`requests`], sent `times` times at once.
async fn statuses(api: guildhall_http::Api, times: usize) -> Vec<(u16, String)> {
    let service = std::rc::Rc::new(init_service(configure(api, App::new())).await);
    let sent: Vec<_> = iter::repeat_with(requests)
        .take(times)
        .flatten()
        .map(|(request, name)| {
            let service = std::rc::Rc::clone(&service);
            rt::spawn(async move { (call_service(&*service, request.to_request()).await.status().as_u16(), name) })
        })
        .collect();
    let mut statuses = Vec::new();
    for answer in sent {
        statuses.push(answer.await.unwrap());
    }
    statuses
}

/// Each is answered as alone, whatever the store does.
#[actix_web::test]
async fn a_check_together_with_others_is_answered_as_alone() {
    for mood in [Mood::Well, Mood::Away, Mood::Broken, Mood::Panicking] {
        let world = World::new();
        world.add_group("Soap");
        world.store.becomes(mood);
        let expected = statuses(world.api(), 1).await;
        let together = statuses(world.api().with_checks_together(), 40).await;
        for (number, answer) in together.iter().enumerate() {
            assert_eq!(answer, &expected[number % expected.len()]);
        }
    }
}

/// What comes while the only thread asks is asked next, in few calls, without a client that has left.
#[actix_web::test]
async fn checks_that_wait_are_asked_together() {
    let world = World::new();
    world.add_group("Soap");
    let ((counts, counted), (allow, may_answer)) = (mpsc::channel(), mpsc::channel());
    let store = Counting { store: world.store.clone(), counts, may_answer: may_answer.into() };
    let api = world.api_of(world.directory.clone().kept_by(Arc::new(store))).with_checks_together();
    let service = std::rc::Rc::new(init_service(configure(api, App::new())).await);
    let ask = || {
        let service = std::rc::Rc::clone(&service);
        let request = by(ADMINISTRATOR, Method::HEAD, "/api/security/groups/soap/users/bob").to_request();
        rt::spawn(async move { call_service(&*service, request).await.status().as_u16() })
    };
    let mut answers = vec![ask()];
    let first = loop {
        match counted.try_recv() {
            Ok(count) => break count,
            Err(_) => rt::task::yield_now().await,
        }
    };
    assert_eq!(first, 1);
    answers.extend(iter::repeat_with(ask).take(200));
    let left = ask();
    for _ in 0..500 {
        rt::task::yield_now().await;
    }
    left.abort();
    assert!(left.await.is_err());
    drop(allow);
    for answer in answers {
        assert_eq!(answer.await.unwrap(), 404);
    }
    let mut together: Vec<_> = counted.try_iter().collect();
    together.sort_unstable();
    assert_eq!(together, [8, 64, 64, 64]);
}

/// Whether a caller manages the group takes a unit of work to find out, and no other check waits for it.
#[actix_web::test]
async fn what_the_answer_leaves_open_holds_up_no_other_check() {
    const MANAGER: &str = "manager";
    let world = World::new();
    world.add_group("Soap");
    world.add_user("marla");
    for path in ["managers/users/marla", "users/bob"] {
        assert_eq!(world.ask(Method::PUT, &format!("/api/security/groups/soap/{path}")).await.status, 204);
    }
    world.knows(MANAGER, "marla");
    let (allow, may_read) = mpsc::channel();
    let directory = world.directory.clone().kept_by(Arc::new(SlowToRead::of(world.store.clone(), may_read)));
    let sizes = LaneSizes { connections: NonZeroUsize::new(4).unwrap(), ..LaneSizes::default() };
    let api = world.api_in(directory, sizes).with_checks_together();
    let service = std::rc::Rc::new(init_service(configure(api, App::new())).await);
    let ask = |token: &str, user: &str| {
        let service = std::rc::Rc::clone(&service);
        let request = by(token, Method::HEAD, &format!("/api/security/groups/soap/users/{user}")).to_request();
        rt::spawn(async move { call_service(&*service, request).await.status().as_u16() })
    };
    let (mut decided, mut undecided) = (Vec::new(), Vec::new());
    // Fewer than there are threads.
    for (token, user, status) in [(MANAGER, "bob", 204), (ORDINARY, "marla", 403)] {
        undecided.push((ask(token, user), status));
        decided.extend(iter::repeat_with(|| ask(ADMINISTRATOR, "bob")).take(100));
    }
    for answer in decided {
        let answer = rt::time::timeout(std::time::Duration::from_mins(1), answer).await;
        assert_eq!(answer.expect("no check waits for a manager's").unwrap(), 204);
    }
    assert!(undecided.iter().all(|(answer, _)| !answer.is_finished()));
    drop(allow);
    for (answer, status) in undecided {
        assert_eq!(answer.await.unwrap(), status);
    }
}
