/** Keys of `[runners.autoscaler]`. */
import { table, tables } from './schema-type.ts';

/** `[[…policy]]` of the autoscaler and of Kubernetes. */
export const POLICY = table({
  strings: 'periods',
  string: 'timezone',
  int: 'idle_count scale_factor_limit',
  duration: 'idle_time',
  float: 'scale_factor',
  bool: 'preemptive_mode',
});

const CONNECTOR = table({
  string: 'os arch protocol username password key_path',
  int: 'protocol_port',
  bool: 'use_static_credentials use_external_addr',
  duration: 'keepalive timeout',
});

export const AUTOSCALER = table(
  {
    int: 'capacity_per_instance max_use_count max_instances shutdown_deletion_retries failure_threshold',
    string: 'plugin instance_ready_command',
    mapOfAny: 'plugin_config',
    duration:
      'instance_acquire_timeout update_interval update_interval_when_expecting deletion_retry_interval shutdown_deletion_interval',
    bool: 'reservation_throttling log_internal_ip log_external_ip delete_instances_on_shutdown',
    floats:
      'instance_operation_time_buckets instance_creation_time_buckets instance_is_running_time_buckets instance_deletion_time_buckets instance_readiness_time_buckets instance_life_duration_buckets',
  },
  {
    connector_config: CONNECTOR,
    policy: tables(POLICY),
    scale_throttle: table({ int: 'limit burst' }),
    vm_isolation: table(
      { bool: 'enabled', string: 'nesting_host image', mapOfAny: 'nesting_config' },
      { connector_config: CONNECTOR },
    ),
    state_storage: table({ bool: 'enabled keep_instance_with_acquisitions', string: 'dir' }),
  },
);
