//! Signatures as Standard Webhooks says.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guildhall_domain::webhook::WebhookSecret;

/// The value of `webhook-signature`: one signature by each secret.
pub(crate) fn signatures(secrets: &[WebhookSecret], id: &str, seconds: i64, body: &str) -> String {
    let signed = format!("{id}.{seconds}.{body}");
    let signature = |secret: &WebhookSecret| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret.0), signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag.as_ref()))
    };
    secrets.iter().map(signature).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `openssl dgst -sha256 -hmac`.
    #[test]
    fn each_secret_signs_id_time_and_body() {
        let secrets = [b'a', b'b'].map(|byte| WebhookSecret([byte; 32]));
        let one = signatures(&secrets[..1], "id", 1_700_000_000, "{}");
        assert_eq!(one, ONE);
        let both = signatures(&secrets, "id", 1_700_000_000, "{}");
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.starts_with(&format!("{ONE} v1,")));
        assert_ne!(signatures(&secrets[..1], "id", 1_700_000_001, "{}"), ONE);
    }

    const ONE: &str = "v1,7QXheehSiQRnKVXHfeSMC4sH4vfaFaSzW/BI9a0mlBY=";
}
