//! The port of the domain, by units of work and single statements.

use guildhall_domain::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use guildhall_domain::group::Group;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{
    AccountStatus, Cancellation, ClientAccount, FoundFor, LinkedAccount, MembershipAnswer, MembershipQuestion, Reader,
    Store, StoreError, Undo, Writer,
};
use guildhall_domain::user::{User, UserId};

use super::DieselStore;
use crate::dialect::TransactionMode;
use crate::tables;

impl Store for DieselStore {
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        self.run(TransactionMode::Read, cancellation, &mut |unit| {
            work(unit);
            Ok(())
        })
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run(TransactionMode::Write, &Cancellation::new(), &mut |unit| work(unit))
    }

    fn writing_once(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run_once(&mut |unit| work(unit))
    }

    fn writing_shared(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run(TransactionMode::WriteShared, &Cancellation::new(), &mut |unit| work(unit))
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run(TransactionMode::WriteAlone, &Cancellation::new(), &mut |unit| work(unit))
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.health.check(&self.connections).map_err(StoreError::unavailable)
    }

    fn number_events(&self) -> Result<(), StoreError> {
        self.number_new_events()
    }

    fn show_events(&self) -> Result<(), StoreError> {
        self.show_new_events()
    }

    fn check(
        &self,
        cancellation: &Cancellation,
        check: &MembershipQuestion<'_>,
    ) -> Result<MembershipAnswer, StoreError> {
        let at = self.moment();
        match check.caller {
            Some(caller) => self.run_statement(cancellation, |connection| tables::check(connection, at, caller, check)),
            None => check.by_reading(self, cancellation),
        }
    }

    fn check_together(&self, checks: &[MembershipQuestion<'_>]) -> Vec<Result<MembershipAnswer, StoreError>> {
        self.answer_together(checks)
    }

    fn account(&self, cancellation: &Cancellation, caller: UserId) -> Result<Option<AccountStatus>, StoreError> {
        let at = self.moment();
        self.run_statement(cancellation, |connection| tables::account(connection, at, caller))
    }

    fn client(&self, cancellation: &Cancellation, key: ApiKeyId) -> Result<Option<ClientAccount>, StoreError> {
        let at = self.moment();
        self.run_statement(cancellation, |connection| tables::client(connection, at, key))
    }

    fn user_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        user: &UserIdentifier,
    ) -> Result<FoundFor<User>, StoreError> {
        let at = self.moment();
        self.run_statement(cancellation, |connection| tables::user_for(connection, at, caller, user))
    }

    fn group_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        group: &GroupIdentifier,
    ) -> Result<FoundFor<Group>, StoreError> {
        let at = self.moment();
        self.run_statement(cancellation, |connection| tables::group_for(connection, at, caller, group))
    }

    fn api_key_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        key: &ApiKeyIdentifier,
    ) -> Result<FoundFor<ApiKey>, StoreError> {
        let at = self.moment();
        self.run_statement(cancellation, |connection| tables::api_key_for(connection, at, caller, key))
    }

    fn identities_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        user: &UserIdentifier,
    ) -> Result<LinkedAccount, StoreError> {
        let at = self.moment();
        self.run_statement(cancellation, |connection| tables::identities_for(connection, at, caller, user))
    }
}
