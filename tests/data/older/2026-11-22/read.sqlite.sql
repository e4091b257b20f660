PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE read_checkpoints_v1 (
    name            TEXT   NOT NULL,
    version         BIGINT NOT NULL,
    generation      BIGINT NOT NULL,
    purpose         TEXT   NOT NULL,
    position        BIGINT NOT NULL,
    record          TEXT   NOT NULL,
    failed_position BIGINT,
    failed_type     TEXT,
    failed_reason   TEXT,
    PRIMARY KEY (name, version, generation)
) WITHOUT ROWID;
INSERT INTO read_checkpoints_v1 VALUES('accounts',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('agent_tokens',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('alerts',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('api_tokens',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('applications',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('audit',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('audit_log',2,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('invites',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('metrics',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('offers',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('personas',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('points',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('rules',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
INSERT INTO read_checkpoints_v1 VALUES('sessions',1,0,'live',93,'7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',NULL,NULL,NULL);
CREATE TABLE read_active_v1 (
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;
INSERT INTO read_active_v1 VALUES('accounts',1,0);
INSERT INTO read_active_v1 VALUES('agent_tokens',1,0);
INSERT INTO read_active_v1 VALUES('alerts',1,0);
INSERT INTO read_active_v1 VALUES('api_tokens',1,0);
INSERT INTO read_active_v1 VALUES('applications',1,0);
INSERT INTO read_active_v1 VALUES('audit',1,0);
INSERT INTO read_active_v1 VALUES('audit_log',2,0);
INSERT INTO read_active_v1 VALUES('invites',1,0);
INSERT INTO read_active_v1 VALUES('metrics',1,0);
INSERT INTO read_active_v1 VALUES('offers',1,0);
INSERT INTO read_active_v1 VALUES('personas',1,0);
INSERT INTO read_active_v1 VALUES('points',1,0);
INSERT INTO read_active_v1 VALUES('rules',1,0);
INSERT INTO read_active_v1 VALUES('sessions',1,0);
CREATE TABLE last_used_v1 (
    credential_id TEXT   NOT NULL PRIMARY KEY,
    used_at       BIGINT NOT NULL,
    client        TEXT
) WITHOUT ROWID;
INSERT INTO last_used_v1 VALUES('382626136b62065430',1795322770900729,NULL);
INSERT INTO last_used_v1 VALUES('445c99cb0d30ced6d1f2cbbcf4227691b8696d9b6f73430e45c089a8d61432af',1795322771081867,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|last_used/445c99cb0d30ced6d1f2cbbcf4227691b8696d9b6f73430e45c089a8d61432af/client|eYZqO8FYrkPuLOrSF-2lysZZbhedPSbHpE3e0Fo4ckCjcDxucknv9thppggdnwy04A');
INSERT INTO last_used_v1 VALUES('807003053c7ae24b670890515e0244d1bb19d7f238e1ed36d32e7f485d9fa795',1795322771207944,'v1|subject_6R-1CqgeK6CojZSJi0_kJw|last_used/807003053c7ae24b670890515e0244d1bb19d7f238e1ed36d32e7f485d9fa795/client|leMeVmQcTNpgkwi8zOIY7K73zUF-l7YWNnfQIp0-56jX-IBCv8f-hpGpRRI3D7ecog');
INSERT INTO last_used_v1 VALUES('bc22305c5a5f9d9799e4a7e8ad23712d9dc369e51a491985f4bc6f75b1463f1c',1795322771462938,'v1|subject_UGPG1ukm7Nv0cNRFmdkfrg|last_used/bc22305c5a5f9d9799e4a7e8ad23712d9dc369e51a491985f4bc6f75b1463f1c/client|ci0duVwQdpRR2xt8SzC9Mk4GhWoU-m0iSgRMTyYpCf0vy8KV7sX-oolyO9vfNLGkeA');
INSERT INTO last_used_v1 VALUES('f749cec4140e5bb8b8c3207f789f6fd59f63107ebe13e1719258162aa663056f',1795322771362694,'v1|subject_JmrQU0QvC0QB8S5SXysj9g|last_used/f749cec4140e5bb8b8c3207f789f6fd59f63107ebe13e1719258162aa663056f/client|e6-JqdshhGlLVZowydggNaFjTIVIuxv94g6oq4n2ty6Q4ZTITyFpw3CbSs2vUf3J7A');
INSERT INTO last_used_v1 VALUES('tok_IO6tReXeYmdE',1795322774569975,'v1|subject_6R-1CqgeK6CojZSJi0_kJw|last_used/tok_IO6tReXeYmdE/client|B_qparZrAo-h7iLxQc4b7pWU65nyt4V934d_fxA9gLGz1hitxKZu76yjbS7KyuDSAg');
CREATE TABLE request_windows_v1 (
    key        TEXT   NOT NULL PRIMARY KEY,
    counted    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE read_subscriptions_v1 (
    name     TEXT   NOT NULL,
    record   TEXT   NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO read_subscriptions_v1 VALUES('alert-evaluator','7a3ad2df-57ad-4a5c-bc83-54a68d5cc24f-1',93);
CREATE TABLE metrics_v1_g0 (
    id                 TEXT   NOT NULL PRIMARY KEY,
    company_id         TEXT   NOT NULL,
    application_id     TEXT   NOT NULL,
    key                TEXT   NOT NULL,
    display_name       TEXT   NOT NULL,
    unit               TEXT   NOT NULL,
    cadence            TEXT   NOT NULL,
    direction          TEXT   NOT NULL,
    source_type        TEXT   NOT NULL,
    verification_level TEXT   NOT NULL,
    created_at         BIGINT NOT NULL,
    position           BIGINT NOT NULL,
    points_count       BIGINT NOT NULL,
    last_point_at      BIGINT,
    latest_point_id    TEXT,
    latest_instant     BIGINT,
    latest_position    BIGINT,
    latest_value       DOUBLE PRECISION,
    latest_timestamp   TEXT,
    late_tolerance     DOUBLE PRECISION,
    late_raised_point  TEXT,
    late_due_at        BIGINT
);
INSERT INTO metrics_v1_g0 VALUES('metric_Ldq2BLZZOHvkeAkW','co_UMrHGLrmZhj_o28r','app_BctQmHCfkLT-2WPK','arr','Umsatz','€','weekly','up','self_reported','self_reported',1795322770883712,23,2,1795322771001260,'point_fkq0brcQkUoPDRU7',1704067200000000,42,1250.0,'2024-01-01',NULL,NULL,NULL);
INSERT INTO metrics_v1_g0 VALUES('metric_gcctHyJsIcrkX1vy','co_ZiUn7z_RI4gfArsq','app__COv1pWSIoo8vTBX','arr','Arr','usd','weekly','up','self_reported','self_reported',1795322770893118,26,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO metrics_v1_g0 VALUES('metric_YjHrbWe6Q07QZJXa','co_UMrHGLrmZhj_o28r','app_BctQmHCfkLT-2WPK','temp','Temp','°C','daily','up','self_reported','self_reported',1795322770902275,27,7,1795322770950937,'point_v0c_llbwlUHaTr9R',1720310400000000,37,29.0,'2024-07-07',NULL,NULL,NULL);
CREATE TABLE points_v1_g0 (
    position        INTEGER NOT NULL PRIMARY KEY,
    id              TEXT    NOT NULL,
    metric_id       TEXT    NOT NULL,
    instant         BIGINT  NOT NULL,
    timestamp_text  TEXT    NOT NULL,
    value           DOUBLE PRECISION NOT NULL,
    original_value  DOUBLE PRECISION,
    source          TEXT    NOT NULL,
    confidence      DOUBLE PRECISION NOT NULL,
    raw_event_id    TEXT,
    idempotency_key TEXT    NOT NULL,
    recorded_at     BIGINT  NOT NULL,
    corrected_at    BIGINT
);
INSERT INTO points_v1_g0 VALUES(31,'point_2_gL6l_5bkdlX8pA','metric_YjHrbWe6Q07QZJXa',1719792000000000,'2024-07-01',21.5,NULL,'default-agent-token',0.5,NULL,'temp-0',1795322770950937,NULL);
INSERT INTO points_v1_g0 VALUES(32,'point_HTsTf47BQafnuUvk','metric_YjHrbWe6Q07QZJXa',1719878400000000,'2024-07-02',22.0,NULL,'default-agent-token',0.5,NULL,'temp-1',1795322770950937,NULL);
INSERT INTO points_v1_g0 VALUES(33,'point_WuVf2tIy5HZGCux3','metric_YjHrbWe6Q07QZJXa',1719964800000000,'2024-07-03',30.25,NULL,'default-agent-token',0.5,NULL,'temp-2',1795322770950937,NULL);
INSERT INTO points_v1_g0 VALUES(34,'point_UwTU8Jfhe8and6QD','metric_YjHrbWe6Q07QZJXa',1720051200000000,'2024-07-04',33.499999999999999999,NULL,'default-agent-token',0.5,NULL,'temp-3',1795322770950937,NULL);
INSERT INTO points_v1_g0 VALUES(35,'point_3DH_N9hCmu-5SdnO','metric_YjHrbWe6Q07QZJXa',1720137600000000,'2024-07-05',12.0,NULL,'default-agent-token',0.5,NULL,'temp-4',1795322770950937,NULL);
INSERT INTO points_v1_g0 VALUES(36,'point_JxwVxioV7dg3sHzW','metric_YjHrbWe6Q07QZJXa',1720224000000000,'2024-07-06',31.5,NULL,'default-agent-token',0.5,NULL,'temp-5',1795322770950937,NULL);
INSERT INTO points_v1_g0 VALUES(37,'point_v0c_llbwlUHaTr9R','metric_YjHrbWe6Q07QZJXa',1720310400000000,'2024-07-07',29.0,NULL,'default-agent-token',0.5,NULL,'temp-6',1795322770950937,NULL);
INSERT INTO points_v1_g0 VALUES(42,'point_fkq0brcQkUoPDRU7','metric_Ldq2BLZZOHvkeAkW',1704067200000000,'2024-01-01',1250.0,1200.0,'default-agent-token',0.5,NULL,'one',1795322770973053,1795322771013085);
INSERT INTO points_v1_g0 VALUES(43,'point_qQcklvrdm8RqKobA','metric_Ldq2BLZZOHvkeAkW',1703379723456000,'2023-12-24T01:02:03.456Z',900.50000000000000001,NULL,'default-agent-token',0.5,NULL,'co_UMrHGLrmZhj_o28r:arr:2023-12-24T01:02:03.456Z',1795322771001260,NULL);
CREATE TABLE point_corrections_v1_g0 (
    position     INTEGER NOT NULL PRIMARY KEY,
    point_id     TEXT    NOT NULL,
    value        DOUBLE PRECISION NOT NULL,
    reason       TEXT,
    corrected_at BIGINT  NOT NULL
);
INSERT INTO point_corrections_v1_g0 VALUES(44,'point_fkq0brcQkUoPDRU7',1250.0,'typo',1795322771013085);
CREATE TABLE alerts_v1_g0 (
    id                TEXT   NOT NULL PRIMARY KEY,
    company_id        TEXT   NOT NULL,
    metric_id         TEXT   NOT NULL,
    metric_key        TEXT   NOT NULL,
    alert_type        TEXT   NOT NULL,
    severity          TEXT   NOT NULL,
    summary           TEXT   NOT NULL,
    state             TEXT   NOT NULL,
    raised_at         BIGINT NOT NULL,
    position          BIGINT NOT NULL,
    point_id          TEXT NOT NULL,
    previous_point_id TEXT,
    growth            DOUBLE PRECISION,
    rule_version      BIGINT NOT NULL,
    acknowledged_at   BIGINT,
    acknowledged_by   TEXT,
    note              TEXT,
    resolved_at       BIGINT,
    resolved_by       TEXT
);
INSERT INTO alerts_v1_g0 VALUES('alert_mHKO_gkzxZBryjbZ','co_UMrHGLrmZhj_o28r','metric_YjHrbWe6Q07QZJXa','temp','above','low','Temp is above 31 at 33.5.','open',1795322770963012,38,'point_UwTU8Jfhe8and6QD',NULL,NULL,2,NULL,NULL,NULL,NULL,NULL);
INSERT INTO alerts_v1_g0 VALUES('alert_2SnYwjC1frljss21','co_UMrHGLrmZhj_o28r','metric_YjHrbWe6Q07QZJXa','temp','drop','medium','Temp fell 64% from 33.5 to 12.','open',1795322770964815,39,'point_3DH_N9hCmu-5SdnO','point_UwTU8Jfhe8and6QD',-0.64179104477611936818,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO alerts_v1_g0 VALUES('alert_jSrJ3fDQvQBEKqOr','co_UMrHGLrmZhj_o28r','metric_YjHrbWe6Q07QZJXa','temp','growth_spike','high','Temp increased 163% from 12 to 31.5.','resolved',1795322770964848,40,'point_JxwVxioV7dg3sHzW','point_3DH_N9hCmu-5SdnO',1.625,1,NULL,NULL,'done',1795322771075060,'e3b21465-786f-45aa-b112-8ac710ac3e3b');
INSERT INTO alerts_v1_g0 VALUES('alert_u-a7YNo__3P8G2VU','co_UMrHGLrmZhj_o28r','metric_YjHrbWe6Q07QZJXa','temp','above','low','Temp is above 31 at 31.5.','acknowledged',1795322770964848,41,'point_JxwVxioV7dg3sHzW',NULL,NULL,2,1795322771066876,'e3b21465-786f-45aa-b112-8ac710ac3e3b','seen',NULL,NULL);
CREATE TABLE rules_v1_g0 (
    metric_id TEXT NOT NULL,
    rule_type TEXT NOT NULL,
    rule      TEXT NOT NULL,
    set_at    BIGINT NOT NULL,
    set_by    TEXT,
    position  BIGINT NOT NULL,
    PRIMARY KEY (metric_id, rule_type)
) WITHOUT ROWID;
INSERT INTO rules_v1_g0 VALUES('metric_YjHrbWe6Q07QZJXa','above','{"version":2,"enabled":true,"severity":"low","cool_down":"none","condition":{"type":"above","threshold":31.0,"periods":1}}',1795322770924385,'default-agent-token',29);
INSERT INTO rules_v1_g0 VALUES('metric_YjHrbWe6Q07QZJXa','drop','{"version":1,"enabled":true,"severity":"medium","cool_down":"none","condition":{"type":"drop","threshold":0.5,"periods":1}}',1795322770938892,'default-agent-token',30);
CREATE TABLE applications_v1_g0 (
    id                     TEXT   NOT NULL PRIMARY KEY,
    company_id             TEXT   NOT NULL,
    company_name           TEXT   NOT NULL,
    company_name_folded    TEXT   NOT NULL,
    website                TEXT,
    founder_id             TEXT   NOT NULL,
    founder_name           TEXT   NOT NULL,
    founder_email          TEXT   NOT NULL,
    founder_email_verified BIGINT NOT NULL,
    founder_subject        TEXT   NOT NULL,
    narrative              TEXT   NOT NULL,
    status                 TEXT   NOT NULL,
    submitted_at           BIGINT NOT NULL,
    position               BIGINT NOT NULL
);
INSERT INTO applications_v1_g0 VALUES('app_BctQmHCfkLT-2WPK','co_UMrHGLrmZhj_o28r','Keeling Labs','keeling labs',NULL,'founder_GuU4CiokI5YrFDvU','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|application/app_BctQmHCfkLT-2WPK/founder_name|2Mw55FwZbCCrbrUz0GT7lrY9mv8S_ywLLopCEGlWt3fLtcwy1gDlsZtJmlB-nLjEzZw0y6HlSF2-rKX0AOww','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|application/app_BctQmHCfkLT-2WPK/founder_email|CNANrclESoruQQWLjATfLNnDJ6ke_Wcf0Jm6ncLw4ug92lXtpylBnOU4Si6Y9rhQVeKsa7vXZA',1,'subject_dp4dSBSgaC0e1PrDbSUCFg','"v1|subject_dp4dSBSgaC0e1PrDbSUCFg|application/app_BctQmHCfkLT-2WPK/narrative|JG6nZ2uZ0YkzZ5m4E69sFc_tvFiF7MVYI3Kpp1XlZ35ZtD_2BLLHcXbnVZU9z-0cZKVm3Pg9HEcQvlTHr12a8SabtaSO"','submitted',1795322770883361,21);
INSERT INTO applications_v1_g0 VALUES('app__COv1pWSIoo8vTBX','co_ZiUn7z_RI4gfArsq','Gone Ltd','gone ltd',NULL,'founder_Fl-BZ16eByuMeQ4K','v1|subject_xboUkMvfYzuvs2U6RvsRGA|application/app__COv1pWSIoo8vTBX/founder_name|F7N_RE0V7MDKQ5ARAzz2VEyBNDcBdP9S46eQnrEyVaDrhzIy3578gFxKDfTymb4Waojhl8NFLtyDavM','v1|subject_xboUkMvfYzuvs2U6RvsRGA|application/app__COv1pWSIoo8vTBX/founder_email|teHHLau9z89MR8kYJfBoA5MlVZbW3voq4vSG6Xsfukovpb6HC8-rwb_TvhztPpr5Tw_L1nbnwHc',1,'subject_xboUkMvfYzuvs2U6RvsRGA','"v1|subject_xboUkMvfYzuvs2U6RvsRGA|application/app__COv1pWSIoo8vTBX/narrative|FVGSamgPQGdqa_EW4AzKhDnfAzg6QMdajOSbjB8oPj5VFYgxwjcPUVUZXpwakeyZukFc2UKnC7PQwiTVH6cKtjXTx-Dh"','submitted',1795322770892629,24);
CREATE TABLE application_statuses_v1_g0 (
    position       INTEGER NOT NULL PRIMARY KEY,
    application_id TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    changed_at     BIGINT NOT NULL,
    changed_by     TEXT,
    reason         TEXT
);
INSERT INTO application_statuses_v1_g0 VALUES(21,'app_BctQmHCfkLT-2WPK','submitted',1795322770883361,NULL,NULL);
INSERT INTO application_statuses_v1_g0 VALUES(24,'app__COv1pWSIoo8vTBX','submitted',1795322770892629,NULL,NULL);
CREATE TABLE agent_tokens_v1_g0 (
    public_id       TEXT   NOT NULL PRIMARY KEY,
    company_id      TEXT   NOT NULL,
    application_id  TEXT   NOT NULL,
    founder_subject TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    secret_hash     TEXT   NOT NULL,
    scopes          TEXT   NOT NULL,
    allowed_metrics TEXT,
    expires_at      BIGINT,
    created_at      BIGINT NOT NULL,
    created_by      TEXT,
    revoked_at      BIGINT,
    revoked_reason  TEXT,
    rotated_to      TEXT,
    position        BIGINT NOT NULL
);
INSERT INTO agent_tokens_v1_g0 VALUES('382626136b62065430','co_UMrHGLrmZhj_o28r','app_BctQmHCfkLT-2WPK','subject_dp4dSBSgaC0e1PrDbSUCFg','default-agent-token','f799d7f1596dac8725c6f79b1bc35cff586dfc731ab2c29196321927abad2695','["application:read","metrics:create","metrics:write"]',NULL,NULL,1795322770883361,NULL,NULL,NULL,NULL,22);
INSERT INTO agent_tokens_v1_g0 VALUES('099df72ea92fd44ec2','co_ZiUn7z_RI4gfArsq','app__COv1pWSIoo8vTBX','subject_xboUkMvfYzuvs2U6RvsRGA','default-agent-token','44fd49d5f576bc5351b4bdaefdd05371bd8161fa6b9e2ef95640c4e74be1eacd','["application:read","metrics:create","metrics:write"]',NULL,NULL,1795322770892629,NULL,1795322771961894,'account_erased',NULL,25);
INSERT INTO agent_tokens_v1_g0 VALUES('2e6f499f6d22e43eaa','co_UMrHGLrmZhj_o28r','app_BctQmHCfkLT-2WPK','subject_dp4dSBSgaC0e1PrDbSUCFg','narrow','ad7a4538c5b1d295cdb14419c0e095082d53ee32dc0c67448b4a0ddb7bb80553','["metrics:write"]','["arr"]',NULL,1795322771031933,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,NULL,NULL,46);
INSERT INTO agent_tokens_v1_g0 VALUES('bf449c9adaba33dad3','co_UMrHGLrmZhj_o28r','app_BctQmHCfkLT-2WPK','subject_dp4dSBSgaC0e1PrDbSUCFg','ended','5154d3a87f0ee2878834885df5da5034236f5feb24def16d673496615660cee4','["application:read"]',NULL,NULL,1795322771038854,'e3b21465-786f-45aa-b112-8ac710ac3e3b',1795322771047150,NULL,NULL,47);
CREATE TABLE token_applications_v1_g0 (
    application_id  TEXT NOT NULL PRIMARY KEY,
    founder_subject TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO token_applications_v1_g0 VALUES('app_BctQmHCfkLT-2WPK','subject_dp4dSBSgaC0e1PrDbSUCFg');
INSERT INTO token_applications_v1_g0 VALUES('app__COv1pWSIoo8vTBX','subject_xboUkMvfYzuvs2U6RvsRGA');
CREATE TABLE sessions_v1_g0 (
    public_id     TEXT   NOT NULL PRIMARY KEY,
    account_id    TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    secret_hash   TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    end_reason    TEXT,
    position      BIGINT NOT NULL
);
INSERT INTO sessions_v1_g0 VALUES('445c99cb0d30ced6d1f2cbbcf4227691b8696d9b6f73430e45c089a8d61432af','70ec790a-902a-4fa2-bcf6-995d2889f1ed','cookie','445c99cb0d30ced6d1f2cbbcf4227691b8696d9b6f73430e45c089a8d61432af',1795322770826717,1797914770826717,NULL,NULL,8);
INSERT INTO sessions_v1_g0 VALUES('16b0ccd4ce25418475','e3b21465-786f-45aa-b112-8ac710ac3e3b','founder','192abf2f594bb7338d8e7bd19a1330d4bdd1b19b25cca03d3e68ea42374b68a1',1795322770849243,1797914770849243,NULL,NULL,14);
INSERT INTO sessions_v1_g0 VALUES('1fa65ca71bf52304fb','836e7a64-e687-421f-ac1a-e3eeaa7abd0d','founder','a02445ea5a2d1eb9cc3c7ef72ccc4d155f122cec2d67c1fef70192b78e813abe',1795322770870155,1797914770870155,1795322771961894,'account_erased',20);
INSERT INTO sessions_v1_g0 VALUES('807003053c7ae24b670890515e0244d1bb19d7f238e1ed36d32e7f485d9fa795','66739f40-a557-4661-b643-9bf73283cb94','cookie','807003053c7ae24b670890515e0244d1bb19d7f238e1ed36d32e7f485d9fa795',1795322771202534,1797914771202534,NULL,NULL,55);
INSERT INTO sessions_v1_g0 VALUES('f749cec4140e5bb8b8c3207f789f6fd59f63107ebe13e1719258162aa663056f','a883ad8a-8556-436e-80c2-5a3c7168523e','cookie','f749cec4140e5bb8b8c3207f789f6fd59f63107ebe13e1719258162aa663056f',1795322771356176,1797914771356176,NULL,NULL,60);
INSERT INTO sessions_v1_g0 VALUES('bc22305c5a5f9d9799e4a7e8ad23712d9dc369e51a491985f4bc6f75b1463f1c','2493dd02-07bd-46f6-aded-b99623c5a01f','cookie','bc22305c5a5f9d9799e4a7e8ad23712d9dc369e51a491985f4bc6f75b1463f1c',1795322771455533,1797914771455533,1795322772110836,'account_erased',65);
CREATE TABLE accounts_v1_g0 (
    id             TEXT   NOT NULL PRIMARY KEY,
    username       TEXT   NOT NULL,
    email          TEXT,
    email_verified BIGINT NOT NULL,
    subject        TEXT   NOT NULL,
    personas       TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    erased_at      BIGINT,
    position       BIGINT NOT NULL
);
INSERT INTO accounts_v1_g0 VALUES('70ec790a-902a-4fa2-bcf6-995d2889f1ed','keeper',NULL,0,'subject_vMbsyVAop4EnWuJNckIf7Q','["1cde602e-92f9-4a93-8146-334d39b88ff9"]',1795322770826717,1795322770826717,NULL,2);
INSERT INTO accounts_v1_g0 VALUES('e3b21465-786f-45aa-b112-8ac710ac3e3b','founder-smxhxsv7lk','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|account/e3b21465-786f-45aa-b112-8ac710ac3e3b/email|dACzuFFbpsvsQRXjye_vIhLrXHEGotLVyPG5O2ZyaGm06frX3TVDZbnUeXQbNzQdG02ooizTzQ',1,'subject_dp4dSBSgaC0e1PrDbSUCFg','["2792c9bb-1e2d-4f1f-aec8-7a6b3ff109bc"]',1795322770849243,1795322770849243,NULL,11);
INSERT INTO accounts_v1_g0 VALUES('836e7a64-e687-421f-ac1a-e3eeaa7abd0d','','v1|subject_xboUkMvfYzuvs2U6RvsRGA|account/836e7a64-e687-421f-ac1a-e3eeaa7abd0d/email|iJp_dbXLUjHaceKDQdxAiZ6BwiHwuxFdpq8rl6cVbvD6fFqufn7BD611pS5fOtWS5Bit3GEU7SU',1,'subject_xboUkMvfYzuvs2U6RvsRGA','["419a523d-64db-439c-8355-f15a775dd98c"]',1795322770870155,1795322771961894,1795322771961894,17);
INSERT INTO accounts_v1_g0 VALUES('66739f40-a557-4661-b643-9bf73283cb94','ben','v1|subject_6R-1CqgeK6CojZSJi0_kJw|account/66739f40-a557-4661-b643-9bf73283cb94/email|j87WekQ0u1S3Kvub9bKkaZNzdGXRWVwWs0LjUs9xCzW3ygG8UwiVHvDV4qvNKygSJ8RLYhc5yiw',0,'subject_6R-1CqgeK6CojZSJi0_kJw','["748957b8-e9c3-4b92-9c80-83d311111d58"]',1795322771202534,1795322771202534,NULL,53);
INSERT INTO accounts_v1_g0 VALUES('a883ad8a-8556-436e-80c2-5a3c7168523e','cid','v1|subject_JmrQU0QvC0QB8S5SXysj9g|account/a883ad8a-8556-436e-80c2-5a3c7168523e/email|k6VIlYjKtzI68whu3xynx9XdBzOxzZvPTYin1QRbnbY5m9TprT5SuRfFBTQJGMjjG1kvhuD9LIk',0,'subject_JmrQU0QvC0QB8S5SXysj9g','["6475297c-94f0-4914-be59-78d3b99bb846"]',1795322771356176,1795322771558916,NULL,58);
INSERT INTO accounts_v1_g0 VALUES('2493dd02-07bd-46f6-aded-b99623c5a01f','','v1|subject_UGPG1ukm7Nv0cNRFmdkfrg|account/2493dd02-07bd-46f6-aded-b99623c5a01f/email|Co9YZ31qcMV7Ck-E58y-1Bpe8jm8dXTYbU75YBnQ8_you4yhqbhXi1BZwq2-iLHNLeLeUusf6sE',0,'subject_UGPG1ukm7Nv0cNRFmdkfrg','["f2bb7243-0e1d-428d-bab4-2fac19b798b6"]',1795322771455533,1795322772110836,1795322772110836,63);
CREATE TABLE audit_v1_g0 (
    seq            INTEGER NOT NULL PRIMARY KEY,
    id             TEXT   NOT NULL,
    action         TEXT   NOT NULL,
    recorded_at    BIGINT NOT NULL,
    company_id     TEXT,
    resource_type  TEXT   NOT NULL,
    resource_id    TEXT,
    actor_kind     TEXT   NOT NULL,
    actor_label    TEXT   NOT NULL,
    actor_sealed   BIGINT NOT NULL,
    account_id     TEXT,
    persona_id     TEXT,
    credential     TEXT,
    credential_id  TEXT,
    client         TEXT,
    correlation    TEXT   NOT NULL,
    causation      BIGINT,
    surface        TEXT   NOT NULL,
    command        TEXT   NOT NULL,
    metadata       TEXT   NOT NULL,
    label_key      TEXT,
    coalesced      TEXT,
    occurrences    BIGINT NOT NULL
);
INSERT INTO audit_v1_g0 VALUES(9,'audit_gnlOtpzUu8vNoTij','auth.otp.started',1795322770841581,NULL,'email_otp','otp_B5o_rK8SlLyXzW1B','anonymous','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|challenge/sign_in-subject_dp4dSBSgaC0e1PrDbSUCFg/email|jDILKOM4VO3hXjX79Bq7I3DI0sTek2eQb7cM9GCy4KcFUDOSbhiyitZ45jhDz7ZaOyQ_GR9LGw',1,NULL,NULL,NULL,NULL,'v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/76ccd9b4-9c08-4390-bdd7-2ce16f9f0a5b/client|1oRrUe3FLXpp6czXgiSDKA0Owu1W_zGPffIgU2I-SV4zCCQQUwneLjg6Hn2fhNfjig','76ccd9b4-9c08-4390-bdd7-2ce16f9f0a5b',NULL,'http','issue_challenge','{"sent":false}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(14,'audit_cwjqekP26aLfGrot','auth.otp.verified',1795322770851063,NULL,'email_session','16b0ccd4ce25418475','anonymous','anonymous',0,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,NULL,NULL,'v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/ce28ff26-6ee6-4167-a0a5-971a9f0acc1a/client|nwcGY_IwL0PwIbFJJArbyJ0XLzqTN_on5QsC2ssbioakuFXzme658URA05Tq9bYv6g','ce28ff26-6ee6-4167-a0a5-971a9f0acc1a',NULL,'http','answer_challenge','{}','account/e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,1);
INSERT INTO audit_v1_g0 VALUES(15,'audit_rHlwOydlck-dye69','auth.otp.started',1795322770865033,NULL,'email_otp','otp_GxyvmFbGYUFdkUZB','anonymous','v1|subject_xboUkMvfYzuvs2U6RvsRGA|challenge/sign_in-subject_xboUkMvfYzuvs2U6RvsRGA/email|FRuzAUa_8RvHZaBVEbvYcS-SDVQ9iBms2o8dyVkSsN4VVmXrsHJfjE0PtNHb-_6_XEVA3Pn2DNU',1,NULL,NULL,NULL,NULL,'v1|subject_xboUkMvfYzuvs2U6RvsRGA|metadata/de79166e-f80c-4650-bee5-fb360790046f/client|DdRVY9RW_yiF2YbrjiLAvRvdyZcOhYrpWNfhHHz3SGAdANj93RWRvgdE1JbElWPqUA','de79166e-f80c-4650-bee5-fb360790046f',NULL,'http','issue_challenge','{"sent":false}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(20,'audit_E7W_c5Yp8_F4L7qY','auth.otp.verified',1795322770871450,NULL,'email_session','1fa65ca71bf52304fb','anonymous','anonymous',0,'836e7a64-e687-421f-ac1a-e3eeaa7abd0d',NULL,NULL,NULL,'v1|subject_xboUkMvfYzuvs2U6RvsRGA|metadata/539ec736-6e75-43b1-a744-dbc43e4ebd8c/client|kClIkO1BiGiqDgoETKmU7ML-mnCAntuCctY2VFBHBn2kPx4C-UUSLWTwOqpr-0sESg','539ec736-6e75-43b1-a744-dbc43e4ebd8c',NULL,'http','answer_challenge','{}','account/836e7a64-e687-421f-ac1a-e3eeaa7abd0d',NULL,1);
INSERT INTO audit_v1_g0 VALUES(21,'audit_f4UlbW_AUlKpqOq0','application.created',1795322770883712,'co_UMrHGLrmZhj_o28r','application','app_BctQmHCfkLT-2WPK','account','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|application/app_BctQmHCfkLT-2WPK/founder_email|CNANrclESoruQQWLjATfLNnDJ6ke_Wcf0Jm6ncLw4ug92lXtpylBnOU4Si6Y9rhQVeKsa7vXZA',1,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,'founder_session','16b0ccd4ce25418475','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/09b3524e-8239-4ff5-b23d-f4388f8cac66/client|6Mu-XcW6WbtMoYLpXsXA_9PUU1ajBi7TZa0rIe5YAYlNgCRP-ptTJdEl-4PA1kWjuQ','09b3524e-8239-4ff5-b23d-f4388f8cac66',NULL,'http','submit_application','{}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(22,'audit_4bSrxb6jw_o_QAhz','agent_token.created',1795322770883712,'co_UMrHGLrmZhj_o28r','agent_token','382626136b62065430','account','e3b21465-786f-45aa-b112-8ac710ac3e3b',0,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,'founder_session','16b0ccd4ce25418475','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/09b3524e-8239-4ff5-b23d-f4388f8cac66/client|6Mu-XcW6WbtMoYLpXsXA_9PUU1ajBi7TZa0rIe5YAYlNgCRP-ptTJdEl-4PA1kWjuQ','09b3524e-8239-4ff5-b23d-f4388f8cac66',NULL,'http','submit_application','{"allowed_metrics":null,"expires_at":null,"name":"default-agent-token","scopes":["application:read","metrics:create","metrics:write"]}','account/e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,1);
INSERT INTO audit_v1_g0 VALUES(23,'audit_EpPf6E5RZyZm9QNw','metric.created',1795322770883712,'co_UMrHGLrmZhj_o28r','metric','metric_Ldq2BLZZOHvkeAkW','account','default-agent-token',0,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,'founder_session','16b0ccd4ce25418475','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/09b3524e-8239-4ff5-b23d-f4388f8cac66/client|6Mu-XcW6WbtMoYLpXsXA_9PUU1ajBi7TZa0rIe5YAYlNgCRP-ptTJdEl-4PA1kWjuQ','09b3524e-8239-4ff5-b23d-f4388f8cac66',NULL,'http','submit_application','{"key":"arr"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(24,'audit_cwqdy6wQLyXTGx97','application.created',1795322770893118,'co_ZiUn7z_RI4gfArsq','application','app__COv1pWSIoo8vTBX','account','v1|subject_xboUkMvfYzuvs2U6RvsRGA|application/app__COv1pWSIoo8vTBX/founder_email|teHHLau9z89MR8kYJfBoA5MlVZbW3voq4vSG6Xsfukovpb6HC8-rwb_TvhztPpr5Tw_L1nbnwHc',1,'836e7a64-e687-421f-ac1a-e3eeaa7abd0d',NULL,'founder_session','1fa65ca71bf52304fb','v1|subject_xboUkMvfYzuvs2U6RvsRGA|metadata/2d7fa237-c012-44ac-861d-3a6f0dc0d7d9/client|XPvzkU0S8u_bvr6jC5Dqu77Ajaw1b5rnSo9RNrJC0lcLRLdpuXvZGDUICZYNRvJGZA','2d7fa237-c012-44ac-861d-3a6f0dc0d7d9',NULL,'http','submit_application','{}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(25,'audit_QrRoPe62wP8FxJO0','agent_token.created',1795322770893118,'co_ZiUn7z_RI4gfArsq','agent_token','099df72ea92fd44ec2','account','836e7a64-e687-421f-ac1a-e3eeaa7abd0d',0,'836e7a64-e687-421f-ac1a-e3eeaa7abd0d',NULL,'founder_session','1fa65ca71bf52304fb','v1|subject_xboUkMvfYzuvs2U6RvsRGA|metadata/2d7fa237-c012-44ac-861d-3a6f0dc0d7d9/client|XPvzkU0S8u_bvr6jC5Dqu77Ajaw1b5rnSo9RNrJC0lcLRLdpuXvZGDUICZYNRvJGZA','2d7fa237-c012-44ac-861d-3a6f0dc0d7d9',NULL,'http','submit_application','{"allowed_metrics":null,"expires_at":null,"name":"default-agent-token","scopes":["application:read","metrics:create","metrics:write"]}','account/836e7a64-e687-421f-ac1a-e3eeaa7abd0d',NULL,1);
INSERT INTO audit_v1_g0 VALUES(26,'audit_7O0RtFix_Ws68xp4','metric.created',1795322770893118,'co_ZiUn7z_RI4gfArsq','metric','metric_gcctHyJsIcrkX1vy','account','default-agent-token',0,'836e7a64-e687-421f-ac1a-e3eeaa7abd0d',NULL,'founder_session','1fa65ca71bf52304fb','v1|subject_xboUkMvfYzuvs2U6RvsRGA|metadata/2d7fa237-c012-44ac-861d-3a6f0dc0d7d9/client|XPvzkU0S8u_bvr6jC5Dqu77Ajaw1b5rnSo9RNrJC0lcLRLdpuXvZGDUICZYNRvJGZA','2d7fa237-c012-44ac-861d-3a6f0dc0d7d9',NULL,'http','submit_application','{"key":"arr"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(27,'audit_i1U3kFld9-nZsQZS','metric.created',1795322770902275,'co_UMrHGLrmZhj_o28r','metric','metric_YjHrbWe6Q07QZJXa','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/8c58d5b9-c5a6-4a7e-83e9-4b157eac1cbf/client|N--GMk_tpzJfJuBY3-V4oe4N6rFdDFf08a3yUSN714MDnt17gJsexhKEEws43qGl5A','8c58d5b9-c5a6-4a7e-83e9-4b157eac1cbf',NULL,'http','define_metric','{"key":"temp"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(28,'audit_3Xn_pot6cwHtTov5','rule.set',1795322770913610,'co_UMrHGLrmZhj_o28r','rule','metric_YjHrbWe6Q07QZJXa/above','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/5d40a974-b5ed-4652-bb1c-d673d752ce51/client|-FyrfsdErAoowH0APQxrOZf95TZRGfnM9y0pQdSIGXuHJci4inczPW0YytcS4SV4Aw','5d40a974-b5ed-4652-bb1c-d673d752ce51',NULL,'http','set_rule','{"enabled":true,"key":"temp","severity":"high","threshold":30,"type":"above","version":1}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(29,'audit_vj3XUuCtbYyHK-DC','rule.set',1795322770924609,'co_UMrHGLrmZhj_o28r','rule','metric_YjHrbWe6Q07QZJXa/above','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/aa546d8a-edfb-46c6-858b-c38775441a54/client|54tVCjKRn2XILrRzjceD6r-YHp2X3SpXoCWXdNuINSqQuGoKAPsmjnwpZA6L6zjSSQ','aa546d8a-edfb-46c6-858b-c38775441a54',NULL,'http','set_rule','{"enabled":true,"key":"temp","severity":"low","threshold":31,"type":"above","version":2}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(30,'audit_7-v9UJ3U_VMZwlPP','rule.set',1795322770939112,'co_UMrHGLrmZhj_o28r','rule','metric_YjHrbWe6Q07QZJXa/drop','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/86a24ba7-7c2c-4f5a-b15d-fc6b9f191f4a/client|YTlMIUEzeDrJ23_ZcXO8fLI6le4c5DWczFAMDD1UVhz0CUOvlrUu_NCqyzuMmTOZzg','86a24ba7-7c2c-4f5a-b15d-fc6b9f191f4a',NULL,'http','set_rule','{"enabled":true,"key":"temp","severity":"medium","threshold":0.5,"type":"drop","version":1}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(31,'audit_39oAmREDd2LiTyyT','metric_point.created',1795322770950937,'co_UMrHGLrmZhj_o28r','metric_point','point_2_gL6l_5bkdlX8pA','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/7f361a2b-0ed1-45d9-8022-615e1e917620/client|8H5JyvbWXnsVz95SUmSPvA-xiLTcvi4P2cgy7I4Zy2dECGIJVuc8EYaV4GWeoBwtQA','7f361a2b-0ed1-45d9-8022-615e1e917620',NULL,'http','record_points','{"key":"temp","value":21.5}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(32,'audit_5vYhKcuVomq89IZ8','metric_point.created',1795322770950937,'co_UMrHGLrmZhj_o28r','metric_point','point_HTsTf47BQafnuUvk','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/7f361a2b-0ed1-45d9-8022-615e1e917620/client|8H5JyvbWXnsVz95SUmSPvA-xiLTcvi4P2cgy7I4Zy2dECGIJVuc8EYaV4GWeoBwtQA','7f361a2b-0ed1-45d9-8022-615e1e917620',NULL,'http','record_points','{"key":"temp","value":22}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(33,'audit_iLyBcGDZ_9Ohuybn','metric_point.created',1795322770950937,'co_UMrHGLrmZhj_o28r','metric_point','point_WuVf2tIy5HZGCux3','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/7f361a2b-0ed1-45d9-8022-615e1e917620/client|8H5JyvbWXnsVz95SUmSPvA-xiLTcvi4P2cgy7I4Zy2dECGIJVuc8EYaV4GWeoBwtQA','7f361a2b-0ed1-45d9-8022-615e1e917620',NULL,'http','record_points','{"key":"temp","value":30.25}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(34,'audit_kdlDAx0Dl6Qtzkqe','metric_point.created',1795322770950937,'co_UMrHGLrmZhj_o28r','metric_point','point_UwTU8Jfhe8and6QD','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/7f361a2b-0ed1-45d9-8022-615e1e917620/client|8H5JyvbWXnsVz95SUmSPvA-xiLTcvi4P2cgy7I4Zy2dECGIJVuc8EYaV4GWeoBwtQA','7f361a2b-0ed1-45d9-8022-615e1e917620',NULL,'http','record_points','{"key":"temp","value":33.5}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(35,'audit_5fg3Ae5Im6Mr5GXH','metric_point.created',1795322770950937,'co_UMrHGLrmZhj_o28r','metric_point','point_3DH_N9hCmu-5SdnO','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/7f361a2b-0ed1-45d9-8022-615e1e917620/client|8H5JyvbWXnsVz95SUmSPvA-xiLTcvi4P2cgy7I4Zy2dECGIJVuc8EYaV4GWeoBwtQA','7f361a2b-0ed1-45d9-8022-615e1e917620',NULL,'http','record_points','{"key":"temp","value":12}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(36,'audit_60VfxvnUDUrKbUTg','metric_point.created',1795322770950937,'co_UMrHGLrmZhj_o28r','metric_point','point_JxwVxioV7dg3sHzW','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/7f361a2b-0ed1-45d9-8022-615e1e917620/client|8H5JyvbWXnsVz95SUmSPvA-xiLTcvi4P2cgy7I4Zy2dECGIJVuc8EYaV4GWeoBwtQA','7f361a2b-0ed1-45d9-8022-615e1e917620',NULL,'http','record_points','{"key":"temp","value":31.5}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(37,'audit_v-bs8-0_hLSOH5GN','metric_point.created',1795322770950937,'co_UMrHGLrmZhj_o28r','metric_point','point_v0c_llbwlUHaTr9R','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/7f361a2b-0ed1-45d9-8022-615e1e917620/client|8H5JyvbWXnsVz95SUmSPvA-xiLTcvi4P2cgy7I4Zy2dECGIJVuc8EYaV4GWeoBwtQA','7f361a2b-0ed1-45d9-8022-615e1e917620',NULL,'http','record_points','{"key":"temp","value":29}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(38,'audit_rM0nb4uoE7IL8kQ4','alert.raised',1795322770963012,'co_UMrHGLrmZhj_o28r','alert','alert_mHKO_gkzxZBryjbZ','system','system',0,NULL,NULL,NULL,NULL,NULL,'7f361a2b-0ed1-45d9-8022-615e1e917620',34,'policy','raise_due','{"alert_type":"above","key":"temp","point_id":"point_UwTU8Jfhe8and6QD","rule_version":2,"severity":"low"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(39,'audit_FY_HpKfQRb6QRkl2','alert.raised',1795322770964815,'co_UMrHGLrmZhj_o28r','alert','alert_2SnYwjC1frljss21','system','system',0,NULL,NULL,NULL,NULL,NULL,'7f361a2b-0ed1-45d9-8022-615e1e917620',35,'policy','raise_due','{"alert_type":"drop","key":"temp","point_id":"point_3DH_N9hCmu-5SdnO","rule_version":1,"severity":"medium"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(40,'audit_fGPzpZ0634sYrpQT','alert.raised',1795322770964848,'co_UMrHGLrmZhj_o28r','alert','alert_jSrJ3fDQvQBEKqOr','system','system',0,NULL,NULL,NULL,NULL,NULL,'7f361a2b-0ed1-45d9-8022-615e1e917620',36,'policy','raise_due','{"alert_type":"growth_spike","key":"temp","point_id":"point_JxwVxioV7dg3sHzW","rule_version":1,"severity":"high"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(41,'audit_P4DHRLsxuvVKf9Ta','alert.raised',1795322770964848,'co_UMrHGLrmZhj_o28r','alert','alert_u-a7YNo__3P8G2VU','system','system',0,NULL,NULL,NULL,NULL,NULL,'7f361a2b-0ed1-45d9-8022-615e1e917620',36,'policy','raise_due','{"alert_type":"above","key":"temp","point_id":"point_JxwVxioV7dg3sHzW","rule_version":2,"severity":"low"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(42,'audit_FK5v5KFl6Q-DsygK','metric_point.created',1795322770973053,'co_UMrHGLrmZhj_o28r','metric_point','point_fkq0brcQkUoPDRU7','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/3af2f44e-5a40-449b-8edd-12b1d7f2a257/client|bKqGBsDF0M4kd0AdE8alortjrN0YCGL-cZIQwIPtciIPKmAAsboaGfluf1KK37cYLg','3af2f44e-5a40-449b-8edd-12b1d7f2a257',NULL,'http','record_points','{"key":"arr","value":1200}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(43,'audit_oTHqEyc9r0GbV0P5','metric_point.created',1795322771001260,'co_UMrHGLrmZhj_o28r','metric_point','point_qQcklvrdm8RqKobA','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/07d47be2-fab1-4775-aaf0-5c2445a3a6b5/client|3Lc8_2mnQlmO5AR65f6aEB8ZryMv684V-bMCNmV4J506_ZptM0c1JaO9UCdr6oIqlg','07d47be2-fab1-4775-aaf0-5c2445a3a6b5',NULL,'http','record_points','{"key":"arr","value":900.5}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(44,'audit_gECl7Q2p17zBZAlI','metric_point.corrected',1795322771013687,'co_UMrHGLrmZhj_o28r','metric_point','point_fkq0brcQkUoPDRU7','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/95c8aba8-b2c8-420f-ad55-efcb0edf49d1/client|6OFlnCR5tnX4cR3VakIN3rJ3Xt70WkzcqRiTQE1gmeulbLUwMlbC2h-FFFxYT8rhzQ','95c8aba8-b2c8-420f-ad55-efcb0edf49d1',NULL,'http','correct_point','{"key":"arr","reason":"typo","value":1250}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(45,'audit_BVfl6eecVQuT0rfI','metric.settings_changed',1795322771023060,'co_UMrHGLrmZhj_o28r','metric','metric_Ldq2BLZZOHvkeAkW','agent','default-agent-token',0,NULL,NULL,'agent_token','382626136b62065430','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/e219afe2-f1ce-49c4-8146-ddb2b3e82e56/client|5sWsNjOlx_AWEnqvK3C3F8ilkwLDSDhn6jBD4OM9mm2ygS2RTyMLDO5B6xuyjqRk6Q','e219afe2-f1ce-49c4-8146-ddb2b3e82e56',NULL,'http','change_settings','{"display_name":"Umsatz","key":"arr","unit":"€"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(46,'audit_29HjJuREdAZ778Hh','agent_token.created',1795322771032226,'co_UMrHGLrmZhj_o28r','agent_token','2e6f499f6d22e43eaa','account','e3b21465-786f-45aa-b112-8ac710ac3e3b',0,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,'founder_session','16b0ccd4ce25418475','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/3e6a2bfa-40ab-4949-9335-e30cb8778da9/client|c6xuGB99Wt0AQkYB7iGZa7-lJ0FfwWRnjcoBQXkx5A7VpWOh3-AfiX57jRo8nv-Acg','3e6a2bfa-40ab-4949-9335-e30cb8778da9',NULL,'http','issue_token','{"allowed_metrics":["arr"],"expires_at":null,"name":"narrow","scopes":["metrics:write"]}','account/e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,1);
INSERT INTO audit_v1_g0 VALUES(47,'audit_mDmKztWgLuDh2vue','agent_token.created',1795322771039065,'co_UMrHGLrmZhj_o28r','agent_token','bf449c9adaba33dad3','account','e3b21465-786f-45aa-b112-8ac710ac3e3b',0,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,'founder_session','16b0ccd4ce25418475','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/3db82a11-7f4e-402a-b9ca-cb15136e5bdd/client|Y6MoJyawJ6aHZ4YQp2j-t1RxZGxzNl0i306_IRrYmfizeDnODbPq1A4-wzrtspUU1g','3db82a11-7f4e-402a-b9ca-cb15136e5bdd',NULL,'http','issue_token','{"allowed_metrics":null,"expires_at":null,"name":"ended","scopes":["application:read"]}','account/e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,1);
INSERT INTO audit_v1_g0 VALUES(48,'audit_ucmh9aY2j7PAGxmX','agent_token.revoked',1795322771047394,'co_UMrHGLrmZhj_o28r','agent_token','bf449c9adaba33dad3','account','e3b21465-786f-45aa-b112-8ac710ac3e3b',0,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,'founder_session','16b0ccd4ce25418475','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/915a11c6-ba06-4f9f-b8c8-4a319b1e222f/client|qLAF2YLwLhh6NRYR1rgNEfIfP3_vCbXCiKJV4OVNQlA0QQkO5WTE-uAi7zIOgGJnBw','915a11c6-ba06-4f9f-b8c8-4a319b1e222f',NULL,'http','revoke_token','{"name":"ended"}','account/e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,1);
INSERT INTO audit_v1_g0 VALUES(49,'audit_YidPqmZSHiKcmiCX','alert.acknowledged',1795322771067081,'co_UMrHGLrmZhj_o28r','alert','alert_u-a7YNo__3P8G2VU','account','e3b21465-786f-45aa-b112-8ac710ac3e3b',0,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,'founder_session','16b0ccd4ce25418475','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/ffca5e5a-86a4-4d1f-940e-662ecac3d617/client|GJoILwXQszLekov_JjszKdcGvD08LE6HzV0DFuVzRHBw_q_N9LA82JYvgxfXPq-gxw','ffca5e5a-86a4-4d1f-940e-662ecac3d617',NULL,'http','acknowledge_alert','{"key":"temp","note":"seen"}','account/e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,1);
INSERT INTO audit_v1_g0 VALUES(50,'audit_34d4wpplWho9uuOD','alert.resolved',1795322771075239,'co_UMrHGLrmZhj_o28r','alert','alert_jSrJ3fDQvQBEKqOr','account','e3b21465-786f-45aa-b112-8ac710ac3e3b',0,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,'founder_session','16b0ccd4ce25418475','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/f049683f-ed15-4027-a7a3-9b87e6420e96/client|36DT_0Twh7KHiQRc9eQhvmTWcsSjZ0AjPXZJ9QVsdrnnsRJBtptIJsLGLPWg5p-AtA','f049683f-ed15-4027-a7a3-9b87e6420e96',NULL,'http','resolve_alert','{"key":"temp","note":"done"}','account/e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,1);
INSERT INTO audit_v1_g0 VALUES(86,'audit_jMJByVWwRgZSN0wK','session.revoked',1795322771972677,NULL,'email_session','1fa65ca71bf52304fb','operator','operator',0,NULL,NULL,NULL,NULL,NULL,'feb86354-0f8e-4c89-92e6-600c89a9b40c',NULL,'cli','erase','{"reason":"account_erased"}',NULL,'session.revoked/1fa65ca71bf52304fb',1);
INSERT INTO audit_v1_g0 VALUES(87,'audit_O7CpOwzi2OV9r79I','account.erased',1795322771972677,NULL,'account','836e7a64-e687-421f-ac1a-e3eeaa7abd0d','operator','operator',0,NULL,NULL,NULL,NULL,NULL,'feb86354-0f8e-4c89-92e6-600c89a9b40c',NULL,'cli','erase','{"reason":"requested"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(88,'audit_MWEOl0jiOuc4FycX','agent_token.revoked',1795322771972677,'co_ZiUn7z_RI4gfArsq','agent_token','099df72ea92fd44ec2','operator','operator',0,NULL,NULL,NULL,NULL,NULL,'feb86354-0f8e-4c89-92e6-600c89a9b40c',NULL,'cli','erase','{"name":"default-agent-token","reason":"account_erased"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(89,'audit_LnciaxlyF4LUHiF6','subject.erased',1795322771972677,NULL,'subject','subject_xboUkMvfYzuvs2U6RvsRGA','operator','operator',0,NULL,NULL,NULL,NULL,NULL,'feb86354-0f8e-4c89-92e6-600c89a9b40c',NULL,'cli','erase','{"reason":"requested"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(90,'audit_o5DCKccgF2MAsGJe','session.revoked',1795322772113670,NULL,'email_session','bc22305c5a5f9d9799e4a7e8ad23712d9dc369e51a491985f4bc6f75b1463f1c','operator','operator',0,NULL,NULL,NULL,NULL,NULL,'2eef796e-31dc-477b-bcd9-ae6933060c90',NULL,'cli','erase','{"reason":"account_erased"}',NULL,'session.revoked/bc22305c5a5f9d9799e4a7e8ad23712d9dc369e51a491985f4bc6f75b1463f1c',1);
INSERT INTO audit_v1_g0 VALUES(92,'audit_Ix9eqC1EwJalWfvU','account.erased',1795322772113670,NULL,'account','2493dd02-07bd-46f6-aded-b99623c5a01f','operator','operator',0,NULL,NULL,NULL,NULL,NULL,'2eef796e-31dc-477b-bcd9-ae6933060c90',NULL,'cli','erase','{"reason":"requested"}',NULL,NULL,1);
INSERT INTO audit_v1_g0 VALUES(93,'audit_5BtoITbsCYLykql2','subject.erased',1795322772113670,NULL,'subject','subject_UGPG1ukm7Nv0cNRFmdkfrg','operator','operator',0,NULL,NULL,NULL,NULL,NULL,'2eef796e-31dc-477b-bcd9-ae6933060c90',NULL,'cli','erase','{"reason":"requested"}',NULL,NULL,1);
CREATE TABLE audit_labels_v1_g0 (
    label_key TEXT NOT NULL PRIMARY KEY,
    email     TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO audit_labels_v1_g0 VALUES('account/2493dd02-07bd-46f6-aded-b99623c5a01f','v1|subject_UGPG1ukm7Nv0cNRFmdkfrg|account/2493dd02-07bd-46f6-aded-b99623c5a01f/email|Co9YZ31qcMV7Ck-E58y-1Bpe8jm8dXTYbU75YBnQ8_you4yhqbhXi1BZwq2-iLHNLeLeUusf6sE');
INSERT INTO audit_labels_v1_g0 VALUES('account/66739f40-a557-4661-b643-9bf73283cb94','v1|subject_6R-1CqgeK6CojZSJi0_kJw|account/66739f40-a557-4661-b643-9bf73283cb94/email|j87WekQ0u1S3Kvub9bKkaZNzdGXRWVwWs0LjUs9xCzW3ygG8UwiVHvDV4qvNKygSJ8RLYhc5yiw');
INSERT INTO audit_labels_v1_g0 VALUES('account/836e7a64-e687-421f-ac1a-e3eeaa7abd0d','v1|subject_xboUkMvfYzuvs2U6RvsRGA|account/836e7a64-e687-421f-ac1a-e3eeaa7abd0d/email|iJp_dbXLUjHaceKDQdxAiZ6BwiHwuxFdpq8rl6cVbvD6fFqufn7BD611pS5fOtWS5Bit3GEU7SU');
INSERT INTO audit_labels_v1_g0 VALUES('account/a883ad8a-8556-436e-80c2-5a3c7168523e','v1|subject_JmrQU0QvC0QB8S5SXysj9g|account/a883ad8a-8556-436e-80c2-5a3c7168523e/email|k6VIlYjKtzI68whu3xynx9XdBzOxzZvPTYin1QRbnbY5m9TprT5SuRfFBTQJGMjjG1kvhuD9LIk');
INSERT INTO audit_labels_v1_g0 VALUES('account/e3b21465-786f-45aa-b112-8ac710ac3e3b','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|account/e3b21465-786f-45aa-b112-8ac710ac3e3b/email|dACzuFFbpsvsQRXjye_vIhLrXHEGotLVyPG5O2ZyaGm06frX3TVDZbnUeXQbNzQdG02ooizTzQ');
INSERT INTO audit_labels_v1_g0 VALUES('application/app_BctQmHCfkLT-2WPK','v1|subject_dp4dSBSgaC0e1PrDbSUCFg|application/app_BctQmHCfkLT-2WPK/founder_email|CNANrclESoruQQWLjATfLNnDJ6ke_Wcf0Jm6ncLw4ug92lXtpylBnOU4Si6Y9rhQVeKsa7vXZA');
INSERT INTO audit_labels_v1_g0 VALUES('application/app__COv1pWSIoo8vTBX','v1|subject_xboUkMvfYzuvs2U6RvsRGA|application/app__COv1pWSIoo8vTBX/founder_email|teHHLau9z89MR8kYJfBoA5MlVZbW3voq4vSG6Xsfukovpb6HC8-rwb_TvhztPpr5Tw_L1nbnwHc');
CREATE TABLE personas_v1_g0 (
    id          TEXT   NOT NULL PRIMARY KEY,
    account_id  TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    name_folded TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    position    BIGINT NOT NULL
);
INSERT INTO personas_v1_g0 VALUES('1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed','keeper','keeper',1795322770826717,2);
INSERT INTO personas_v1_g0 VALUES('2792c9bb-1e2d-4f1f-aec8-7a6b3ff109bc','e3b21465-786f-45aa-b112-8ac710ac3e3b','founder-smxhxsv7lk','founder-smxhxsv7lk',1795322770849243,11);
INSERT INTO personas_v1_g0 VALUES('748957b8-e9c3-4b92-9c80-83d311111d58','66739f40-a557-4661-b643-9bf73283cb94','ben','ben',1795322771202534,53);
INSERT INTO personas_v1_g0 VALUES('6475297c-94f0-4914-be59-78d3b99bb846','a883ad8a-8556-436e-80c2-5a3c7168523e','cid','cid',1795322771356176,58);
INSERT INTO personas_v1_g0 VALUES('5ad0920e-ea9a-4e87-aedc-8c288309def4','a883ad8a-8556-436e-80c2-5a3c7168523e','Second','second',1795322771558916,82);
CREATE TABLE persona_scopes_v1_g0 (
    grant_id   TEXT   NOT NULL PRIMARY KEY,
    persona_id TEXT   NOT NULL,
    scope_id   TEXT   NOT NULL,
    expires_at BIGINT
);
CREATE TABLE api_tokens_v1_g0 (
    id          TEXT   NOT NULL PRIMARY KEY,
    account_id  TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    secret_hash TEXT   NOT NULL,
    expires_at  BIGINT,
    created_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    end_reason  TEXT,
    position    BIGINT NOT NULL
);
INSERT INTO api_tokens_v1_g0 VALUES('tok_IO6tReXeYmdE','66739f40-a557-4661-b643-9bf73283cb94','cron','9631d53978676a433c51844bd63c312b4023712f0076607d8abc8bb3e5ab3c28',NULL,1795322771575498,NULL,NULL,84);
CREATE TABLE offers_v1_g0 (
    id              TEXT   NOT NULL PRIMARY KEY,
    account_id      TEXT   NOT NULL,
    grantor         TEXT   NOT NULL,
    grantor_account TEXT   NOT NULL,
    to_persona      TEXT,
    role            TEXT   NOT NULL,
    scope_kind      TEXT,
    scope_id        TEXT,
    message         TEXT,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    accepted_at     BIGINT,
    declined_at     BIGINT,
    decline_reason  TEXT,
    retracted_at    BIGINT,
    superseded_at   BIGINT,
    resulting_grant TEXT,
    is_open         BIGINT NOT NULL,
    lapse_noted     BIGINT,
    position        BIGINT NOT NULL
);
INSERT INTO offers_v1_g0 VALUES('dea6fd70-c26f-4012-a000-d0f7bd833e26','66739f40-a557-4661-b643-9bf73283cb94','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,'admin',NULL,NULL,'v1|subject_6R-1CqgeK6CojZSJi0_kJw|offer/66739f40-a557-4661-b643-9bf73283cb94/dea6fd70-c26f-4012-a000-d0f7bd833e26/message|pJ6_Pj43qrD4nwSEfsUAiNLtQom0x8PFRLT4MMNF1nrNWkmx5uELS1s59TS2X40',1795322771469194,1797914771469194,1795322771482096,NULL,NULL,NULL,NULL,'ef3f4367-4ee4-48da-9357-397150d49668',0,NULL,66);
INSERT INTO offers_v1_g0 VALUES('d74e9f5b-06d8-4c5c-9fcc-84ade694a90c','a883ad8a-8556-436e-80c2-5a3c7168523e','748957b8-e9c3-4b92-9c80-83d311111d58','66739f40-a557-4661-b643-9bf73283cb94',NULL,'student',NULL,NULL,'v1|subject_JmrQU0QvC0QB8S5SXysj9g|offer/a883ad8a-8556-436e-80c2-5a3c7168523e/d74e9f5b-06d8-4c5c-9fcc-84ade694a90c/message|ywwXmcNuGEWbKTeO-iKHGJweYHADa7cdsy4_mTIQMICzCyg7cB6t95hsqTntuC4',1795322771491106,1797914771491106,1795322771497047,NULL,NULL,NULL,NULL,'c21b8cd2-2efa-47f9-9b91-5f0afdf2a442',0,NULL,70);
INSERT INTO offers_v1_g0 VALUES('facd89d0-3aa4-46db-9f8b-f46ac846f169','a883ad8a-8556-436e-80c2-5a3c7168523e','748957b8-e9c3-4b92-9c80-83d311111d58','66739f40-a557-4661-b643-9bf73283cb94',NULL,'teacher',NULL,NULL,'v1|subject_JmrQU0QvC0QB8S5SXysj9g|offer/a883ad8a-8556-436e-80c2-5a3c7168523e/facd89d0-3aa4-46db-9f8b-f46ac846f169/message|YOHCYXa10eL-v9zHgZY_PM1Th8MUngLPk-GOEB-99Lbkr-mSC9mB1EpGaflEnLI',1795322771506929,1797914771506929,1795322771512693,NULL,NULL,NULL,NULL,'f3bb5411-e54a-4b5c-91d6-6a1a2662b12f',0,NULL,73);
INSERT INTO offers_v1_g0 VALUES('80892bd6-24af-447d-8626-55facc3556ae','a883ad8a-8556-436e-80c2-5a3c7168523e','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,'teacher',NULL,NULL,'v1|subject_JmrQU0QvC0QB8S5SXysj9g|offer/a883ad8a-8556-436e-80c2-5a3c7168523e/80892bd6-24af-447d-8626-55facc3556ae/message|BcuI0D-RmQ21WaOScDDlhMGIKPwQSFptMuc7MucLyWzNupap6Gc64yba7nhDj-4',1795322771527364,1797914771527364,NULL,1795322771534625,'v1|subject_JmrQU0QvC0QB8S5SXysj9g|offer/a883ad8a-8556-436e-80c2-5a3c7168523e/80892bd6-24af-447d-8626-55facc3556ae/decline_reason|70YLw5YEOrCyszbSyZrzHK9TIY2bx-FAob7fs9tvSVvuyhUTXlcAVtWNdKRjRZY',NULL,NULL,NULL,0,NULL,76);
INSERT INTO offers_v1_g0 VALUES('691e92c4-a856-421e-ad27-e909b167027a','a883ad8a-8556-436e-80c2-5a3c7168523e','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,'teacher',NULL,NULL,'v1|subject_JmrQU0QvC0QB8S5SXysj9g|offer/a883ad8a-8556-436e-80c2-5a3c7168523e/691e92c4-a856-421e-ad27-e909b167027a/message|yyXCwmYpBkA51Tqg-zmFVLz3YZAolpD11jUikYe3v6x5ecmExsOQeX6L6RrSJTM',1795322771540653,1797914771540653,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,78);
INSERT INTO offers_v1_g0 VALUES('a9a2d12f-a4fb-4d7a-ba91-f9b4f088f02a','2493dd02-07bd-46f6-aded-b99623c5a01f','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,'student',NULL,NULL,'v1|subject_UGPG1ukm7Nv0cNRFmdkfrg|offer/2493dd02-07bd-46f6-aded-b99623c5a01f/a9a2d12f-a4fb-4d7a-ba91-f9b4f088f02a/message|4lVUezE-wa3IoGwCZFYMGK0G0Fiy0tumMCFA9Kp8SmhqqGXlDERt5Qk1WX5X-2I',1795322771547617,1797914771547617,1795322771553652,NULL,NULL,NULL,NULL,'f4abd724-7678-480e-a5a5-e0acb4a5c2a6',0,NULL,79);
CREATE TABLE invites_v1_g0 (
    id         TEXT   NOT NULL PRIMARY KEY,
    email      TEXT,
    username   TEXT,
    claimed_by TEXT,
    claimed_at BIGINT,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    position   BIGINT NOT NULL
);
INSERT INTO invites_v1_g0 VALUES('7bb4e15e-6812-4659-9117-0ed19679b7f6',NULL,'ben','66739f40-a557-4661-b643-9bf73283cb94',1795322771202534,'1cde602e-92f9-4a93-8146-334d39b88ff9',1795322771085533,NULL,51);
INSERT INTO invites_v1_g0 VALUES('0a135a33-2c91-4f78-a5a3-0b88bed02322',NULL,'cid','a883ad8a-8556-436e-80c2-5a3c7168523e',1795322771356176,'1cde602e-92f9-4a93-8146-334d39b88ff9',1795322771214728,NULL,56);
INSERT INTO invites_v1_g0 VALUES('cce20fc4-48d2-44f4-84c7-c746b5bc2448',NULL,NULL,'2493dd02-07bd-46f6-aded-b99623c5a01f',1795322771455533,'1cde602e-92f9-4a93-8146-334d39b88ff9',1795322771369113,NULL,61);
INSERT INTO invites_v1_g0 VALUES('22e6fa23-5956-463e-9d7b-8667f2393c4c','v1|subject_TQG5IIPDgrY-aRT2eh_j8g|invite/22e6fa23-5956-463e-9d7b-8667f2393c4c/email|BYYWaaprhV3fhGKbtI3JJJYoedHjnQ_pYKkhBacEi9rUpwAy1IegYPywPNkgkz8ImIVs75GN4jGLu5U',NULL,NULL,NULL,'1cde602e-92f9-4a93-8146-334d39b88ff9',1795322771569911,NULL,83);
CREATE TABLE audit_log_v2_g0 (
    seq               BIGINT NOT NULL PRIMARY KEY,
    id                TEXT   NOT NULL,
    event_type        TEXT   NOT NULL,
    outcome           TEXT   NOT NULL,
    actor_id          TEXT,
    account_id        TEXT,
    target_account_id TEXT,
    target_actor_id   TEXT,
    client            TEXT,
    created_at        BIGINT NOT NULL,
    metadata          TEXT   NOT NULL
);
INSERT INTO audit_log_v2_g0 VALUES(2,'2d5c9f32-456e-847b-b3d7-76328462b437','bootstrap','success',NULL,'70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,NULL,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/ee1153c2-0b53-41c5-be08-9ec3ad42d25e/client|D4hIHpgfyp3TGlSoJfIzg6__vGWdklFOECUCvV7ngILYMaox05yO088JUkb5GvmphA',1795322770827759,'null');
INSERT INTO audit_log_v2_g0 VALUES(3,'2da84457-a722-82c9-aead-f9984025b2c4','role_grant_create','success',NULL,'70ec790a-902a-4fa2-bcf6-995d2889f1ed','70ec790a-902a-4fa2-bcf6-995d2889f1ed','1cde602e-92f9-4a93-8146-334d39b88ff9','v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/ee1153c2-0b53-41c5-be08-9ec3ad42d25e/client|D4hIHpgfyp3TGlSoJfIzg6__vGWdklFOECUCvV7ngILYMaox05yO088JUkb5GvmphA',1795322770827759,'{"role":"keeper","role_grant_id":"abb68a48-7338-42f5-98c9-e5c59841cbfe","scope_id":null}');
INSERT INTO audit_log_v2_g0 VALUES(5,'06e7158c-310a-8b45-9b6e-63ace5076bf7','role_grant_create','success',NULL,'70ec790a-902a-4fa2-bcf6-995d2889f1ed','70ec790a-902a-4fa2-bcf6-995d2889f1ed','1cde602e-92f9-4a93-8146-334d39b88ff9','v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/ee1153c2-0b53-41c5-be08-9ec3ad42d25e/client|D4hIHpgfyp3TGlSoJfIzg6__vGWdklFOECUCvV7ngILYMaox05yO088JUkb5GvmphA',1795322770827759,'{"role":"admin","role_grant_id":"9f0c4004-32c2-4181-9989-de87480709fb","scope_id":null}');
INSERT INTO audit_log_v2_g0 VALUES(11,'5b63fd73-8e6b-81cc-9c27-4ad72aca256f','account_create','success',NULL,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,NULL,'v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/ce28ff26-6ee6-4167-a0a5-971a9f0acc1a/client|nwcGY_IwL0PwIbFJJArbyJ0XLzqTN_on5QsC2ssbioakuFXzme658URA05Tq9bYv6g',1795322770851063,'{"username":"founder-smxhxsv7lk","via":"email_code"}');
INSERT INTO audit_log_v2_g0 VALUES(12,'e866f25b-950d-8f42-a81f-5eb4f4224c41','email_verify','success',NULL,'e3b21465-786f-45aa-b112-8ac710ac3e3b',NULL,NULL,'v1|subject_dp4dSBSgaC0e1PrDbSUCFg|metadata/ce28ff26-6ee6-4167-a0a5-971a9f0acc1a/client|nwcGY_IwL0PwIbFJJArbyJ0XLzqTN_on5QsC2ssbioakuFXzme658URA05Tq9bYv6g',1795322770851063,'null');
INSERT INTO audit_log_v2_g0 VALUES(17,'772ff28f-dd6f-878e-b7b8-9dbef6afffed','account_create','success',NULL,'836e7a64-e687-421f-ac1a-e3eeaa7abd0d',NULL,NULL,'v1|subject_xboUkMvfYzuvs2U6RvsRGA|metadata/539ec736-6e75-43b1-a744-dbc43e4ebd8c/client|kClIkO1BiGiqDgoETKmU7ML-mnCAntuCctY2VFBHBn2kPx4C-UUSLWTwOqpr-0sESg',1795322770871450,'{"username":null,"via":"email_code"}');
INSERT INTO audit_log_v2_g0 VALUES(18,'6c830f78-0131-854a-acdf-8bf8f68950f0','email_verify','success',NULL,'836e7a64-e687-421f-ac1a-e3eeaa7abd0d',NULL,NULL,'v1|subject_xboUkMvfYzuvs2U6RvsRGA|metadata/539ec736-6e75-43b1-a744-dbc43e4ebd8c/client|kClIkO1BiGiqDgoETKmU7ML-mnCAntuCctY2VFBHBn2kPx4C-UUSLWTwOqpr-0sESg',1795322770871450,'null');
INSERT INTO audit_log_v2_g0 VALUES(51,'f2d19819-ffb6-83ea-b115-379da6a0debb','invite_create','success',NULL,'70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,NULL,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/fc44ba18-99ea-4bff-88fd-b433e3165b15/client|mUkqc2SyQSUO-EhrKjSpgOLw6UbLGROTFk3xADz9n7lG_U_vcW0ZAZfbMkY6MFA7kQ',1795322771086225,'{"email":null,"invite_id":"7bb4e15e-6812-4659-9117-0ed19679b7f6","username":"ben"}');
INSERT INTO audit_log_v2_g0 VALUES(53,'94d69d51-1142-844e-a8a6-5e381f546a1f','signup','success',NULL,'66739f40-a557-4661-b643-9bf73283cb94',NULL,NULL,'v1|subject_6R-1CqgeK6CojZSJi0_kJw|metadata/bf1e41ca-3069-41d8-affe-7ae7e1b69e3c/client|utfApNC4tX0OoQvS171fsLm-KdAPUmkbRqPTl2YMr0apOihs3Nqwx4ue7co2ZKQSFA',1795322771203151,'{"invite_id":"7bb4e15e-6812-4659-9117-0ed19679b7f6","username":"ben"}');
INSERT INTO audit_log_v2_g0 VALUES(56,'cc8de00d-016f-8be6-87e1-332c567b46fd','invite_create','success',NULL,'70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,NULL,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/90cd7ba3-1491-4e82-8b7c-87d89fe6a57f/client|l-aOUOxHCA6AGatv7F1WU-PybMpR923OmgBsfzBP25hNHA55lZuLGJ7c354g7YV3SQ',1795322771215441,'{"email":null,"invite_id":"0a135a33-2c91-4f78-a5a3-0b88bed02322","username":"cid"}');
INSERT INTO audit_log_v2_g0 VALUES(58,'4b59854d-e442-82cc-a310-b9923acf808c','signup','success',NULL,'a883ad8a-8556-436e-80c2-5a3c7168523e',NULL,NULL,'v1|subject_JmrQU0QvC0QB8S5SXysj9g|metadata/5f1a6f18-dc72-4bc3-ad2c-f4acf37c1151/client|e4XQ56o63gvLgHe5ytgDiWtebzUuDPTZ3Fd8zn_bNFpwPIBxYava8on6jLyXWZGcxQ',1795322771357039,'{"invite_id":"0a135a33-2c91-4f78-a5a3-0b88bed02322","username":"cid"}');
INSERT INTO audit_log_v2_g0 VALUES(61,'4e676345-c37f-83c8-b22b-6d451820443d','invite_create','success',NULL,'70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,NULL,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/246330c2-81d5-467d-a911-6e48c4b323e5/client|LCD3rSkgO-18URqLQ2MZHaZEz2bQKAgCFGixoz0gIV0O6eqzBY3MU7dtj9Tq3tmMaw',1795322771369982,'{"email":null,"invite_id":"cce20fc4-48d2-44f4-84c7-c746b5bc2448","username":null}');
INSERT INTO audit_log_v2_g0 VALUES(63,'07f18c0c-8ca3-84fe-9893-1c22366c1c41','signup','success',NULL,'2493dd02-07bd-46f6-aded-b99623c5a01f',NULL,NULL,'v1|subject_UGPG1ukm7Nv0cNRFmdkfrg|metadata/9198f70a-5876-461d-a3cf-121d2270886a/client|yw17bglO1bu4GiRmbsAPJtxGMz-RpGqfmhY_Y0E42ahsxzx-QasfRNVLi9AxCKkQTQ',1795322771456372,'{"invite_id":"cce20fc4-48d2-44f4-84c7-c746b5bc2448","username":null}');
INSERT INTO audit_log_v2_g0 VALUES(66,'0a9b8058-2c0b-8b73-9a04-6ff9b08fb0a0','role_grant_offer_create','success','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed','66739f40-a557-4661-b643-9bf73283cb94',NULL,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/3e11f8b6-cfcc-49dd-9649-4ac607820bef/client|XMfMZTMA7lPPSYa7Ym_u8mGcWkIIrsHinlznHNTkOHzVLhP4FQAqseWL4hCE2mw5WQ',1795322771469508,'{"offer_id":"dea6fd70-c26f-4012-a000-d0f7bd833e26","role":"admin","scope_id":null,"to_account_id":"66739f40-a557-4661-b643-9bf73283cb94"}');
INSERT INTO audit_log_v2_g0 VALUES(67,'252ad2ac-8089-8cac-8e1b-52d5714aebad','role_grant_offer_accept','success','748957b8-e9c3-4b92-9c80-83d311111d58','66739f40-a557-4661-b643-9bf73283cb94','66739f40-a557-4661-b643-9bf73283cb94','748957b8-e9c3-4b92-9c80-83d311111d58','v1|subject_6R-1CqgeK6CojZSJi0_kJw|metadata/b34af2ee-d854-4669-88be-e4913cf46b6b/client|8WX4tr_IRadUTldpT0aI3R2LovktbvEprvrRgLS27w9KEeX1WXx6fF-Jesch7w3uyg',1795322771483015,'{"offer_id":"dea6fd70-c26f-4012-a000-d0f7bd833e26","role":"admin","role_grant_id":"ef3f4367-4ee4-48da-9357-397150d49668","scope_id":null}');
INSERT INTO audit_log_v2_g0 VALUES(68,'5eb86767-6da6-8c12-94ac-361cc4b70dc9','role_grant_create','success','748957b8-e9c3-4b92-9c80-83d311111d58','66739f40-a557-4661-b643-9bf73283cb94','66739f40-a557-4661-b643-9bf73283cb94','748957b8-e9c3-4b92-9c80-83d311111d58','v1|subject_6R-1CqgeK6CojZSJi0_kJw|metadata/b34af2ee-d854-4669-88be-e4913cf46b6b/client|8WX4tr_IRadUTldpT0aI3R2LovktbvEprvrRgLS27w9KEeX1WXx6fF-Jesch7w3uyg',1795322771483015,'{"role":"admin","role_grant_id":"ef3f4367-4ee4-48da-9357-397150d49668","scope_id":null,"source_offer_id":"dea6fd70-c26f-4012-a000-d0f7bd833e26"}');
INSERT INTO audit_log_v2_g0 VALUES(70,'90526999-5aa0-8007-af0b-6a6f813e6675','role_grant_offer_create','success','748957b8-e9c3-4b92-9c80-83d311111d58','66739f40-a557-4661-b643-9bf73283cb94','a883ad8a-8556-436e-80c2-5a3c7168523e',NULL,'v1|subject_6R-1CqgeK6CojZSJi0_kJw|metadata/48cc5d03-187c-464b-a4d7-37b5506371a7/client|u8k0TruZgXtUvtNzMamE29B5j-8HzL2Sr7DJHQff82BWwEudStfmz3ezhVKh1Hbx8Q',1795322771491361,'{"offer_id":"d74e9f5b-06d8-4c5c-9fcc-84ade694a90c","role":"student","scope_id":null,"to_account_id":"a883ad8a-8556-436e-80c2-5a3c7168523e"}');
INSERT INTO audit_log_v2_g0 VALUES(71,'a0e0c74a-d78f-83c7-8b1d-e5c6fd10f1ff','role_grant_offer_accept','success','6475297c-94f0-4914-be59-78d3b99bb846','a883ad8a-8556-436e-80c2-5a3c7168523e','a883ad8a-8556-436e-80c2-5a3c7168523e','6475297c-94f0-4914-be59-78d3b99bb846','v1|subject_JmrQU0QvC0QB8S5SXysj9g|metadata/98463ebc-c4a7-4f0f-a9e8-dde4030a721e/client|yKHi9J7Ufrz9kJcQKc0GiHAtND1qEXX-a3mz3SutGFxanOsrdpaGyHFRQo315RiLmA',1795322771497313,'{"offer_id":"d74e9f5b-06d8-4c5c-9fcc-84ade694a90c","role":"student","role_grant_id":"c21b8cd2-2efa-47f9-9b91-5f0afdf2a442","scope_id":null}');
INSERT INTO audit_log_v2_g0 VALUES(72,'7a2b3872-b99f-8668-9715-d1e6f2c19df3','role_grant_create','success','6475297c-94f0-4914-be59-78d3b99bb846','a883ad8a-8556-436e-80c2-5a3c7168523e','a883ad8a-8556-436e-80c2-5a3c7168523e','6475297c-94f0-4914-be59-78d3b99bb846','v1|subject_JmrQU0QvC0QB8S5SXysj9g|metadata/98463ebc-c4a7-4f0f-a9e8-dde4030a721e/client|yKHi9J7Ufrz9kJcQKc0GiHAtND1qEXX-a3mz3SutGFxanOsrdpaGyHFRQo315RiLmA',1795322771497313,'{"role":"student","role_grant_id":"c21b8cd2-2efa-47f9-9b91-5f0afdf2a442","scope_id":null,"source_offer_id":"d74e9f5b-06d8-4c5c-9fcc-84ade694a90c"}');
INSERT INTO audit_log_v2_g0 VALUES(73,'82a3180a-8332-8e93-bd8a-4821fd2fcc54','role_grant_offer_create','success','748957b8-e9c3-4b92-9c80-83d311111d58','66739f40-a557-4661-b643-9bf73283cb94','a883ad8a-8556-436e-80c2-5a3c7168523e',NULL,'v1|subject_6R-1CqgeK6CojZSJi0_kJw|metadata/bd5d086a-ef8b-4925-8cfc-218e40bb5011/client|q3mwzio0eb1qL_l2WiBhVP-z_eQwm8ka9Z5PLbxSoxEhAjzql2Cv_sK3hdGTRI3zFg',1795322771507204,'{"offer_id":"facd89d0-3aa4-46db-9f8b-f46ac846f169","role":"teacher","scope_id":null,"to_account_id":"a883ad8a-8556-436e-80c2-5a3c7168523e"}');
INSERT INTO audit_log_v2_g0 VALUES(74,'a670efa9-3e84-8607-b2e6-ceafb952c0a1','role_grant_offer_accept','success','6475297c-94f0-4914-be59-78d3b99bb846','a883ad8a-8556-436e-80c2-5a3c7168523e','a883ad8a-8556-436e-80c2-5a3c7168523e','6475297c-94f0-4914-be59-78d3b99bb846','v1|subject_JmrQU0QvC0QB8S5SXysj9g|metadata/d7bee308-b2ae-4777-a8e0-4ed821b2807a/client|6rFIBP6LWbQJinzxJ375HRGZzJeIzSpVOmUtsTzwZtzjaztds_bhx6IEiYrpSGjGPw',1795322771512993,'{"offer_id":"facd89d0-3aa4-46db-9f8b-f46ac846f169","role":"teacher","role_grant_id":"f3bb5411-e54a-4b5c-91d6-6a1a2662b12f","scope_id":null}');
INSERT INTO audit_log_v2_g0 VALUES(75,'e3a84896-7d54-82f0-9b2c-761cd9baee4b','role_grant_create','success','6475297c-94f0-4914-be59-78d3b99bb846','a883ad8a-8556-436e-80c2-5a3c7168523e','a883ad8a-8556-436e-80c2-5a3c7168523e','6475297c-94f0-4914-be59-78d3b99bb846','v1|subject_JmrQU0QvC0QB8S5SXysj9g|metadata/d7bee308-b2ae-4777-a8e0-4ed821b2807a/client|6rFIBP6LWbQJinzxJ375HRGZzJeIzSpVOmUtsTzwZtzjaztds_bhx6IEiYrpSGjGPw',1795322771512993,'{"role":"teacher","role_grant_id":"f3bb5411-e54a-4b5c-91d6-6a1a2662b12f","scope_id":null,"source_offer_id":"facd89d0-3aa4-46db-9f8b-f46ac846f169"}');
INSERT INTO audit_log_v2_g0 VALUES(76,'9c81b412-7040-8a95-ae88-8b8f10e1665e','role_grant_offer_create','success','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed','a883ad8a-8556-436e-80c2-5a3c7168523e',NULL,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/0225fe58-87c0-4fe7-983f-f996535c067b/client|5FBIKpzz5jwGFidc2RBGmLP7rvN2Q3vTr90wD4VrmJNNP4hIpfcuqC3RJ348QHI14Q',1795322771527721,'{"offer_id":"80892bd6-24af-447d-8626-55facc3556ae","role":"teacher","scope_id":null,"to_account_id":"a883ad8a-8556-436e-80c2-5a3c7168523e"}');
INSERT INTO audit_log_v2_g0 VALUES(77,'3abaa247-bbeb-804d-8cf6-0388f90080e2','role_grant_offer_decline','success','6475297c-94f0-4914-be59-78d3b99bb846','a883ad8a-8556-436e-80c2-5a3c7168523e','70ec790a-902a-4fa2-bcf6-995d2889f1ed','1cde602e-92f9-4a93-8146-334d39b88ff9','v1|subject_JmrQU0QvC0QB8S5SXysj9g|metadata/9ebd59e5-363b-43e9-928c-5b4d4ad9d051/client|m338jyw8eePWn4ACPnMgcDNM0Oig7v3iSU97N-7pmSU6VzmyRJRSN4NE-vDCGaHtmA',1795322771534862,'{"offer_id":"80892bd6-24af-447d-8626-55facc3556ae","reason":{"$sealed":"v1|subject_JmrQU0QvC0QB8S5SXysj9g|offer/a883ad8a-8556-436e-80c2-5a3c7168523e/80892bd6-24af-447d-8626-55facc3556ae/decline_reason|70YLw5YEOrCyszbSyZrzHK9TIY2bx-FAob7fs9tvSVvuyhUTXlcAVtWNdKRjRZY"},"role":"teacher","scope_id":null}');
INSERT INTO audit_log_v2_g0 VALUES(78,'aec982c6-8152-84a5-8d9e-429e9721a022','role_grant_offer_create','success','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed','a883ad8a-8556-436e-80c2-5a3c7168523e',NULL,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/e766be0d-f8a0-4c6c-88bd-d9538c6eff1b/client|_mlDQFHyGZmn6yg0BAXoUGNzv6ok-2DBZy1XXPq2nWM2yxYhJbOZnS9CGmqZ3Buxqw',1795322771541204,'{"offer_id":"691e92c4-a856-421e-ad27-e909b167027a","role":"teacher","scope_id":null,"to_account_id":"a883ad8a-8556-436e-80c2-5a3c7168523e"}');
INSERT INTO audit_log_v2_g0 VALUES(79,'d1b48c8f-9764-8298-ae73-a7afd9f50c80','role_grant_offer_create','success','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed','2493dd02-07bd-46f6-aded-b99623c5a01f',NULL,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/59361046-7f0a-4823-9ad8-602c6927aed4/client|sjOwVZjjuGyNs3qKIQLA0oWJn5OsW9KGXNXPW8Qjas2Zd4fv012HfS6qYi4CohkUbA',1795322771548108,'{"offer_id":"a9a2d12f-a4fb-4d7a-ba91-f9b4f088f02a","role":"student","scope_id":null,"to_account_id":"2493dd02-07bd-46f6-aded-b99623c5a01f"}');
INSERT INTO audit_log_v2_g0 VALUES(80,'8c3a3531-cb0c-8609-97f0-1f07cf7ffb3a','role_grant_offer_accept','success','f2bb7243-0e1d-428d-bab4-2fac19b798b6','2493dd02-07bd-46f6-aded-b99623c5a01f','2493dd02-07bd-46f6-aded-b99623c5a01f','f2bb7243-0e1d-428d-bab4-2fac19b798b6','v1|subject_UGPG1ukm7Nv0cNRFmdkfrg|metadata/831d4a91-7e89-4d82-8f02-1278228a8981/client|kcWy2hFpOWRf-_kwJZ7hkmXIvEJKWd6WwX2sNJT2JRxsfZEJ-KwaQmEZaMq_4BadIg',1795322771553903,'{"offer_id":"a9a2d12f-a4fb-4d7a-ba91-f9b4f088f02a","role":"student","role_grant_id":"f4abd724-7678-480e-a5a5-e0acb4a5c2a6","scope_id":null}');
INSERT INTO audit_log_v2_g0 VALUES(81,'3c5b07b9-5917-82b4-bdee-9b23b04dca10','role_grant_create','success','f2bb7243-0e1d-428d-bab4-2fac19b798b6','2493dd02-07bd-46f6-aded-b99623c5a01f','2493dd02-07bd-46f6-aded-b99623c5a01f','f2bb7243-0e1d-428d-bab4-2fac19b798b6','v1|subject_UGPG1ukm7Nv0cNRFmdkfrg|metadata/831d4a91-7e89-4d82-8f02-1278228a8981/client|kcWy2hFpOWRf-_kwJZ7hkmXIvEJKWd6WwX2sNJT2JRxsfZEJ-KwaQmEZaMq_4BadIg',1795322771553903,'{"role":"student","role_grant_id":"f4abd724-7678-480e-a5a5-e0acb4a5c2a6","scope_id":null,"source_offer_id":"a9a2d12f-a4fb-4d7a-ba91-f9b4f088f02a"}');
INSERT INTO audit_log_v2_g0 VALUES(82,'6c5d5def-4a91-8b33-8c0d-bf34d2bd5f8c','actor_create','success',NULL,'a883ad8a-8556-436e-80c2-5a3c7168523e',NULL,NULL,'v1|subject_JmrQU0QvC0QB8S5SXysj9g|metadata/57f1959f-65a5-48fd-9a55-4b1f407fa671/client|RVONnzSeEju7IMkm2tc3CutOHij3jS0R0JccxomFmcgejb4Bu8JelCZs8_ypMZXzmg',1795322771559120,'{"actor_id":"5ad0920e-ea9a-4e87-aedc-8c288309def4","name":"Second"}');
INSERT INTO audit_log_v2_g0 VALUES(83,'d571dae7-2ff6-8a2f-a57e-f2cfabd9ff93','invite_create','success',NULL,'70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,NULL,'v1|subject_vMbsyVAop4EnWuJNckIf7Q|metadata/3e8e3ccd-d476-4fab-abb1-2af82b97dd31/client|NOcOn7bxQI0pB7zjSSsEr6mMuPqlAR98lFfXjytVCukwlvAtYT0QaTMtd3yr-UT6hQ',1795322771571147,'{"email":{"$sealed":"v1|subject_TQG5IIPDgrY-aRT2eh_j8g|invite/22e6fa23-5956-463e-9d7b-8667f2393c4c/email|BYYWaaprhV3fhGKbtI3JJJYoedHjnQ_pYKkhBacEi9rUpwAy1IegYPywPNkgkz8ImIVs75GN4jGLu5U"},"invite_id":"22e6fa23-5956-463e-9d7b-8667f2393c4c","username":null}');
INSERT INTO audit_log_v2_g0 VALUES(84,'e6647acd-32cb-86ef-96d4-4c517700f7a4','token_create','success',NULL,'66739f40-a557-4661-b643-9bf73283cb94',NULL,NULL,'v1|subject_6R-1CqgeK6CojZSJi0_kJw|metadata/bdd6714a-356f-422c-b540-4bdba3291406/client|OQKiBpQq5SzNTng7_mO_Ui6uQdBVgRdg_IIkCv63KLpdrZmF8juLdQHz9K7yeYobXg',1795322771575713,'{"credential_type":"session","name":"cron","token_id":"tok_IO6tReXeYmdE"}');
INSERT INTO audit_log_v2_g0 VALUES(85,'e02ee972-c899-835f-bee4-a894e1c37b00','login','failure',NULL,'66739f40-a557-4661-b643-9bf73283cb94',NULL,NULL,'v1|subject_6R-1CqgeK6CojZSJi0_kJw|metadata/c6c74c94-3515-47ea-a2fb-25176cf7b71f/client|7uHViQf9PuAMWKVgt2UsLZYCsbtt1gv5poyg77n1bUa9sEeIGfqsYbObSR04Mf8G2Q',1795322771758862,'{"username":{"$sealed":"v1|subject_6R-1CqgeK6CojZSJi0_kJw|attempt/1e097e7e-c354-4729-b1d9-4ec58f476400/username|v3FaixoGPHQD2JyOANArZHAHc3dER7h3UwteC2GwLHaTsDTZ7MGSebe6bA"}}');
INSERT INTO audit_log_v2_g0 VALUES(87,'3bb0a93b-0ce2-88e5-bdaf-bf48cdccbfe9','account_erase','success',NULL,NULL,'836e7a64-e687-421f-ac1a-e3eeaa7abd0d',NULL,NULL,1795322771972677,'{"reason":"requested"}');
INSERT INTO audit_log_v2_g0 VALUES(89,'2e77226b-1972-8782-941e-217ab561ff73','subject_erase','success',NULL,NULL,NULL,NULL,NULL,1795322771972677,'{"reason":"requested","subject_id":"subject_xboUkMvfYzuvs2U6RvsRGA"}');
INSERT INTO audit_log_v2_g0 VALUES(91,'a09da2b2-53d7-8ba4-9da5-d962ebf06d19','role_grant_revoke','success',NULL,NULL,'2493dd02-07bd-46f6-aded-b99623c5a01f','f2bb7243-0e1d-428d-bab4-2fac19b798b6',NULL,1795322772113670,'{"role":"student","role_grant_id":"f4abd724-7678-480e-a5a5-e0acb4a5c2a6","scope_id":null}');
INSERT INTO audit_log_v2_g0 VALUES(92,'231f5ea8-2d44-8096-a559-fbd439c3692f','account_erase','success',NULL,NULL,'2493dd02-07bd-46f6-aded-b99623c5a01f',NULL,NULL,1795322772113670,'{"reason":"requested"}');
INSERT INTO audit_log_v2_g0 VALUES(93,'e41b6821-36ec-8982-b292-a97680bced38','subject_erase','success',NULL,NULL,NULL,NULL,NULL,1795322772113670,'{"reason":"requested","subject_id":"subject_UGPG1ukm7Nv0cNRFmdkfrg"}');
CREATE TABLE audit_offers_v2_g0 (
    id              TEXT NOT NULL PRIMARY KEY,
    grantor         TEXT NOT NULL,
    grantor_account TEXT NOT NULL,
    to_persona      TEXT,
    role            TEXT NOT NULL,
    scope_id        TEXT
);
INSERT INTO audit_offers_v2_g0 VALUES('dea6fd70-c26f-4012-a000-d0f7bd833e26','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,'admin',NULL);
INSERT INTO audit_offers_v2_g0 VALUES('d74e9f5b-06d8-4c5c-9fcc-84ade694a90c','748957b8-e9c3-4b92-9c80-83d311111d58','66739f40-a557-4661-b643-9bf73283cb94',NULL,'student',NULL);
INSERT INTO audit_offers_v2_g0 VALUES('facd89d0-3aa4-46db-9f8b-f46ac846f169','748957b8-e9c3-4b92-9c80-83d311111d58','66739f40-a557-4661-b643-9bf73283cb94',NULL,'teacher',NULL);
INSERT INTO audit_offers_v2_g0 VALUES('80892bd6-24af-447d-8626-55facc3556ae','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,'teacher',NULL);
INSERT INTO audit_offers_v2_g0 VALUES('691e92c4-a856-421e-ad27-e909b167027a','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,'teacher',NULL);
INSERT INTO audit_offers_v2_g0 VALUES('a9a2d12f-a4fb-4d7a-ba91-f9b4f088f02a','1cde602e-92f9-4a93-8146-334d39b88ff9','70ec790a-902a-4fa2-bcf6-995d2889f1ed',NULL,'student',NULL);
CREATE INDEX request_windows_v1_expires ON request_windows_v1 (expires_at);
CREATE UNIQUE INDEX metrics_v1_g0_by_key ON metrics_v1_g0 (company_id, key);
CREATE INDEX metrics_v1_g0_by_company ON metrics_v1_g0 (company_id, position);
CREATE INDEX metrics_v1_g0_by_late_due ON metrics_v1_g0 (late_due_at);
CREATE UNIQUE INDEX points_v1_g0_by_id ON points_v1_g0 (id);
CREATE INDEX points_v1_g0_by_metric ON points_v1_g0 (metric_id, instant, position);
CREATE INDEX point_corrections_v1_g0_by_point ON point_corrections_v1_g0 (point_id, position);
CREATE INDEX alerts_v1_g0_by_company ON alerts_v1_g0 (company_id, position);
CREATE INDEX alerts_v1_g0_by_state ON alerts_v1_g0 (company_id, state, position);
CREATE INDEX alerts_v1_g0_by_metric ON alerts_v1_g0 (metric_id, position);
CREATE UNIQUE INDEX applications_v1_g0_by_company ON applications_v1_g0 (company_id);
CREATE INDEX applications_v1_g0_by_subject ON applications_v1_g0 (founder_subject, position);
CREATE INDEX applications_v1_g0_by_status ON applications_v1_g0 (status, position);
CREATE INDEX applications_v1_g0_by_position ON applications_v1_g0 (position);
CREATE INDEX applications_v1_g0_by_name ON applications_v1_g0 (company_name_folded);
CREATE INDEX application_statuses_v1_g0_by_application ON application_statuses_v1_g0 (application_id, position);
CREATE INDEX agent_tokens_v1_g0_by_company ON agent_tokens_v1_g0 (company_id, position);
CREATE INDEX sessions_v1_g0_by_account ON sessions_v1_g0 (account_id, position);
CREATE INDEX accounts_v1_g0_by_subject ON accounts_v1_g0 (subject);
CREATE INDEX accounts_v1_g0_by_username ON accounts_v1_g0 (username);
CREATE INDEX accounts_v1_g0_by_age ON accounts_v1_g0 (created_at, position);
CREATE INDEX audit_v1_g0_by_company ON audit_v1_g0 (company_id, seq);
CREATE INDEX audit_v1_g0_by_action ON audit_v1_g0 (action, seq);
CREATE INDEX audit_v1_g0_by_resource ON audit_v1_g0 (resource_type, resource_id, seq);
CREATE INDEX audit_v1_g0_by_account ON audit_v1_g0 (account_id, seq) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX audit_v1_g0_by_coalesced ON audit_v1_g0 (coalesced) WHERE coalesced IS NOT NULL;
CREATE INDEX personas_v1_g0_by_account ON personas_v1_g0 (account_id, position);
CREATE INDEX personas_v1_g0_by_name ON personas_v1_g0 (name_folded, id);
CREATE INDEX persona_scopes_v1_g0_by_scope ON persona_scopes_v1_g0 (scope_id, persona_id);
CREATE INDEX api_tokens_v1_g0_by_account ON api_tokens_v1_g0 (account_id, position);
CREATE INDEX offers_v1_g0_by_account ON offers_v1_g0 (account_id, created_at);
CREATE INDEX offers_v1_g0_by_grantor ON offers_v1_g0 (grantor_account, created_at);
CREATE INDEX offers_v1_g0_by_end ON offers_v1_g0 (is_open, expires_at);
CREATE INDEX audit_log_v2_g0_by_type ON audit_log_v2_g0 (event_type, seq);
CREATE INDEX audit_log_v2_g0_by_account ON audit_log_v2_g0 (account_id, seq);
CREATE INDEX audit_log_v2_g0_by_target ON audit_log_v2_g0 (target_account_id, seq);
COMMIT;
