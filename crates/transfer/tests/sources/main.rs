//! Tests of the sources that records are imported from.

#[cfg(test)]
mod authentik;
#[cfg(test)]
mod common;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod keycloak;
#[cfg(test)]
mod ldif;
