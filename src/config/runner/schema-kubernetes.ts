/** Keys of `[runners.kubernetes]`. */
import { POLICY } from './schema-autoscaler.ts';
import { SERVICE } from './schema-executors.ts';
import { table, tables } from './schema-type.ts';

/** `cpu_limit`, `helper_memory_request_overwrite_max_allowed`, …: who × what × bound × overwrite. */
const RESOURCES = ['', 'service_', 'helper_', 'pod_']
  .flatMap((who) => {
    const what = who === 'pod_' ? ['cpu', 'memory'] : ['cpu', 'memory', 'ephemeral_storage'];
    return what.flatMap((name) => [`${who}${name}_limit`, `${who}${name}_request`]);
  })
  .flatMap((name) => [name, `${name}_overwrite_max_allowed`])
  .join(' ');

const PROFILE = table({ string: 'type localhost_profile' });
const PROFILES = { seccomp_profile: PROFILE, app_armor_profile: PROFILE } as const;

const POD_SECURITY_CONTEXT = table(
  {
    int: 'fs_group run_as_group run_as_user',
    bool: 'run_as_non_root',
    ints: 'supplemental_groups',
    string: 'selinux_type',
  },
  PROFILES,
);

const CONTAINER_SECURITY_CONTEXT = table(
  {
    bool: 'privileged run_as_non_root read_only_root_filesystem allow_privilege_escalation',
    int: 'run_as_user run_as_group',
    string: 'selinux_type proc_mount',
  },
  { capabilities: table({ strings: 'add drop' }), ...PROFILES },
);

const EXPRESSIONS = tables(table({ string: 'key operator', strings: 'values' }));
const NODE_TERM = table({}, { match_expressions: EXPRESSIONS, match_fields: EXPRESSIONS });
const SELECTOR = table({ mapOfString: 'match_labels' }, { match_expressions: EXPRESSIONS });
const POD_TERM = table(
  { strings: 'namespaces match_label_keys mismatch_label_keys', string: 'topology_key' },
  { label_selector: SELECTOR, namespace_selector: SELECTOR },
);

const REQUIRED = 'required_during_scheduling_ignored_during_execution';
const PREFERRED = 'preferred_during_scheduling_ignored_during_execution';

const NODE_AFFINITY = table(
  {},
  {
    [REQUIRED]: table({}, { node_selector_terms: tables(NODE_TERM) }),
    [PREFERRED]: tables(table({ int32: 'weight' }, { preference: NODE_TERM })),
  },
);

const POD_AFFINITY = table(
  {},
  {
    [REQUIRED]: tables(POD_TERM),
    [PREFERRED]: tables(table({ int32: 'weight' }, { pod_affinity_term: POD_TERM })),
  },
);

const VOLUMES = table(
  {},
  {
    host_path: tables(
      table({ string: 'name mount_path sub_path host_path mount_propagation', bool: 'read_only' }),
    ),
    pvc: tables(table({ string: 'name mount_path sub_path mount_propagation', bool: 'read_only' })),
    config_map: tables(
      table({ string: 'name mount_path sub_path', bool: 'read_only', mapOfString: 'items' }),
    ),
    secret: tables(
      table({ string: 'name mount_path sub_path', bool: 'read_only', mapOfString: 'items' }),
    ),
    empty_dir: tables(
      table({ string: 'name mount_path sub_path medium size_limit mount_propagation' }),
    ),
    csi: tables(
      table({
        string: 'name mount_path sub_path driver fs_type',
        bool: 'read_only',
        mapOfString: 'volume_attributes',
      }),
    ),
    nfs: tables(table({ string: 'name mount_path sub_path server path', bool: 'read_only' })),
  },
);

const HOOK = table(
  {},
  {
    exec: table({ strings: 'command' }),
    http_get: table(
      { string: 'host path scheme', int: 'port' },
      { http_headers: tables(table({ string: 'name value' })) },
    ),
    tcp_socket: table({ string: 'host', int: 'port' }),
  },
);

export const KUBERNETES = table(
  {
    string: `host context cert_file key_file ca_file bearer_token image namespace namespace_overwrite_allowed runtime_class_name node_selector_overwrite_allowed node_tolerations_overwrite_allowed helper_image helper_image_flavor pod_labels_overwrite_allowed scheduler_name service_account service_account_overwrite_allowed pod_annotations_overwrite_allowed suspend_pvc_size suspend_pvc_storage_class dns_policy priority_class_name logs_base_dir scripts_base_dir ${RESOURCES}`,
    bool: 'bearer_token_overwrite_allowed namespace_per_job privileged allow_privilege_escalation use_service_account_image_pull_secrets helper_image_autoset_arch_and_os automount_service_account_token print_pod_warning_events pod_disruption_budget',
    int: 'pod_termination_grace_period_seconds cleanup_grace_period_seconds poll_interval poll_timeout resource_availability_check_max_attempts retry_limit retry_backoff_max',
    duration: 'cleanup_resources_timeout',
    strings:
      'allowed_images allowed_pull_policies allowed_services allowed_users allowed_groups image_pull_secrets cap_add cap_drop',
    stringOrStrings: 'pull_policy',
    mapOfString: 'node_selector node_tolerations pod_labels pod_annotations',
    mapOfInt: 'retry_limits',
  },
  {
    affinity: table(
      {},
      { node_affinity: NODE_AFFINITY, pod_affinity: POD_AFFINITY, pod_anti_affinity: POD_AFFINITY },
    ),
    pod_security_context: POD_SECURITY_CONTEXT,
    init_permissions_container_security_context: CONTAINER_SECURITY_CONTEXT,
    build_container_security_context: CONTAINER_SECURITY_CONTEXT,
    helper_container_security_context: CONTAINER_SECURITY_CONTEXT,
    service_container_security_context: CONTAINER_SECURITY_CONTEXT,
    volumes: VOLUMES,
    host_aliases: tables(table({ string: 'ip', strings: 'hostnames' })),
    services: tables(SERVICE),
    dns_config: table(
      { strings: 'nameservers searches' },
      { options: tables(table({ string: 'name value' })) },
    ),
    container_lifecycle: table({}, { post_start: HOOK, pre_stop: HOOK }),
    pod_spec: tables(table({ string: 'name patch_path patch patch_type' })),
    autoscaler: table(
      {
        int: 'max_pause_pods',
        string: 'pause_pod_image pause_pod_priority_class_name',
        strings: 'pause_pod_image_pull_secrets',
      },
      { policy: tables(POLICY) },
    ),
  },
);
