//! What the suite promises.

/// The names of all promises, from the text of their modules: one that is not in the list above would never be run.
#[must_use]
pub fn promises() -> Vec<String> {
    let texts = [
        include_str!("access.rs"),
        include_str!("api_keys.rs"),
        include_str!("changes.rs"),
        include_str!("checks.rs"),
        include_str!("concurrency.rs"),
        include_str!("custom_properties.rs"),
        include_str!("dates_per_caller.rs"),
        include_str!("events.rs"),
        include_str!("external.rs"),
        include_str!("external_groups.rs"),
        include_str!("idempotency.rs"),
        include_str!("kept_answers.rs"),
        include_str!("listing.rs"),
        include_str!("log.rs"),
        include_str!("lockouts.rs"),
        include_str!("lookups.rs"),
        include_str!("managed_graphs.rs"),
        include_str!("managers.rs"),
        include_str!("managing.rs"),
        include_str!("managing_groups.rs"),
        include_str!("members.rs"),
        include_str!("membership_checks.rs"),
        include_str!("membership_listings.rs"),
        include_str!("names.rs"),
        include_str!("children.rs"),
        include_str!("paths.rs"),
        include_str!("patches.rs"),
        include_str!("patches_at_once.rs"),
        include_str!("patches_at_random.rs"),
        include_str!("preview_sizes.rs"),
        include_str!("previews.rs"),
        include_str!("patches_of_administrators.rs"),
        include_str!("registration.rs"),
        include_str!("searching.rs"),
        include_str!("sign_in.rs"),
        include_str!("spellings.rs"),
        include_str!("text_forms.rs"),
        include_str!("units.rs"),
        include_str!("updates.rs"),
        include_str!("validity.rs"),
        include_str!("validity_moments.rs"),
        include_str!("validity_at_random.rs"),
        include_str!("validity_of_administrators.rs"),
        include_str!("validity_patches.rs"),
    ];
    let declared = texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("pub fn "));
    declared.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name.to_owned()).collect()
}
