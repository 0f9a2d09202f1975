DROP TABLE foreign_sign_ins;
DROP TABLE unknown_sign_ins;
DROP TABLE refresh_tokens;
DROP TABLE api_keys;
