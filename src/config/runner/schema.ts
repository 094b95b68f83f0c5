/**
 * The keys of the runner's config.toml: the global section and `[[runners]]` (GitLab Runner 19.4, by
 * reflection over its structures).
 */
import { AUTOSCALER } from './schema-autoscaler.ts';
import { CUSTOM, DOCKER, MACHINE, PARALLELS, SSH, VIRTUALBOX } from './schema-executors.ts';
import { KUBERNETES } from './schema-kubernetes.ts';
import { table, tables } from './schema-type.ts';

const CACHE = table(
  { string: 'Type Path', bool: 'Shared', int: 'MaxUploadedArchiveSize' },
  {
    s3: table({
      string:
        'ServerAddress AccessKey SecretKey SessionToken BucketName BucketLocation AuthenticationType ServerSideEncryption ServerSideEncryptionKeyID RoleARN UploadRoleARN',
      bool: 'Insecure DualStack PathStyle Accelerate DisableAssumeRoleCredentialsCaching',
      int: 'AssumeRoleMaxConcurrency',
    }),
    gcs: table({ string: 'AccessID PrivateKey CredentialsFile BucketName UniverseDomain' }),
    azure: table({ string: 'AccountName AccountKey ContainerName StorageDomain' }),
  },
);

const BOOT_VERIFY = table({
  bool: 'enabled',
  duration: 'timeout acquire_min_backoff acquire_max_backoff',
});

const REFEREES = table(
  {},
  { metrics: table({ string: 'prometheus_address', int: 'query_interval', strings: 'queries' }) },
);

const MONITORING = table(
  {},
  {
    job_queuing_durations: tables(
      table({
        strings: 'periods',
        string: 'timezone jobs_running_for_project',
        duration: 'threshold',
      }),
    ),
  },
);

const RUNNER = table(
  {
    string:
      'name url token tls-ca-file tls-cert-file tls-key-file executor builds_dir cache_dir clone_url pre_get_sources_script post_get_sources_script pre_build_script post_build_script shell slot_cgroup_template step_runner_image',
    int: 'id limit output_limit request_concurrency unhealthy_requests_limit job_status_final_update_retry_limit',
    bool: 'strict_check_interval proxy_exec debug_trace_disabled safe_directory_checkout clean_git_config use_slot_cgroups',
    duration: 'unhealthy_interval prepare_timeout get_sources_timeout',
    datetime: 'token_obtained_at token_expires_at',
    strings: 'environment',
    mapOfString: 'labels',
    mapOfBool: 'feature_flags',
  },
  {
    experimental: table({}, { boot_verify: BOOT_VERIFY }),
    custom_build_dir: table({ bool: 'enabled' }),
    referees: REFEREES,
    cache: CACHE,
    artifact: table({ duration: 'upload_timeout response_header_timeout' }),
    monitoring: MONITORING,
    instance: table({ strings: 'allowed_images', bool: 'use_common_build_dir' }),
    ssh: SSH,
    docker: DOCKER,
    parallels: PARALLELS,
    virtualbox: VIRTUALBOX,
    machine: MACHINE,
    kubernetes: KUBERNETES,
    custom: CUSTOM,
    autoscaler: AUTOSCALER,
  },
);

const SNOWPLOW_BILLING = table({
  string: 'collector_uri app_id category realm deployment_type',
  mapOfString: 'metadata',
  bool: 'enable_oidc skip_oidc_if_unsupported_cloud skip_runner_system_failure',
  floats: 'batch_delivery_duration_buckets',
});

const ROTATED_LOG = {
  string: 'log_dir',
  int: 'max_backup_files',
  duration: 'max_rotation_age',
  mapOfString: 'labels',
} as const;

const USAGE_LOGGER = table(
  { ...ROTATED_LOG, bool: 'enabled', strings: 'writers' },
  { logrotate: table(ROTATED_LOG), snowplow_billing: SNOWPLOW_BILLING },
);

const SHUTDOWN_DRAIN = table({
  bool: 'enabled',
  int: 'concurrency max_retries',
  duration: 'retry_backoff',
});

/** The whole file. */
export const RUNNER_CONFIG = table(
  {
    string: 'listen_address log_level log_format user sentry_dsn',
    int: 'concurrent check_interval shutdown_timeout',
    duration: 'connection_max_age',
    mapOfString: 'labels',
  },
  {
    session_server: table({ string: 'listen_address advertise_address', int: 'session_timeout' }),
    machine: table({}, { shutdown_drain: SHUTDOWN_DRAIN }),
    experimental: table({}, { usage_logger: USAGE_LOGGER }),
    runners: tables(RUNNER),
  },
);
