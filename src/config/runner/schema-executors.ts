/** Keys of the executors' tables, except Kubernetes. */
import { table, tables } from './schema-type.ts';

/** `[[…services]]` of Docker and Kubernetes. */
export const SERVICE = table({
  string: 'name alias suspend_data_path',
  strings: 'command entrypoint environment',
});

export const SSH = table({
  string: 'user password host port identity_file known_hosts_file',
  bool: 'disable_strict_host_key_checking',
});

export const DOCKER = table(
  {
    string:
      'host tls_cert_path hostname image runtime memory memory_swap memory_reservation cgroup_parent cpuset_cpus cpuset_mems cpus user userns_mode gpus volume_driver cache_dir network_mode pid_mode ipcmode mac_address service_memory service_memory_swap service_memory_reservation service_cgroup_parent service_slot_cgroup_template service_cpuset_cpus service_cpus service_gpus isolation helper_image helper_image_flavor',
    int: 'cpu_shares oom_score_adjust services_limit service_cpu_shares wait_for_services_timeout shm_size network_mtu',
    bool: 'tls_verify privileged services_privileged disable_entrypoint_overwrite oom_kill_disable disable_cache volume_keep enable_ipv6',
    strings:
      'dns dns_search allowed_users group_add cap_add cap_drop security_opt services_security_opt devices device_cgroup_rules volumes extra_hosts volumes_from links allowed_images allowed_privileged_images allowed_privileged_services allowed_pull_policies allowed_services',
    stringOrStrings: 'pull_policy',
    mapOfString:
      'volume_driver_ops tmpfs services_tmpfs sysctls container_labels ulimit log_options',
    mapOfStrings: 'services_devices',
  },
  { services: tables(SERVICE) },
);

export const PARALLELS = table({
  string: 'base_name template_name time_server',
  bool: 'disable_snapshots',
  strings: 'allowed_images',
});

export const VIRTUALBOX = table({
  string: 'base_name base_snapshot base_folder start_type',
  bool: 'disable_snapshots',
  strings: 'allowed_images',
});

export const MACHINE = table(
  {
    int: 'MaxGrowthRate IdleCount IdleCountMin IdleTime MaxBuilds MaxRemovalAttempts OffPeakIdleCount OffPeakIdleTime',
    float: 'IdleScaleFactor',
    string: 'MachineDriver MachineName OffPeakTimezone',
    strings: 'MachineOptions MachineOptionsWithName OffPeakPeriods',
  },
  {
    autoscaling: tables(
      table({
        strings: 'Periods',
        string: 'Timezone',
        int: 'IdleCount IdleCountMin IdleTime',
        float: 'IdleScaleFactor',
      }),
    ),
  },
);

export const CUSTOM = table({
  string: 'config_exec prepare_exec run_exec cleanup_exec',
  strings: 'config_args prepare_args run_args cleanup_args',
  int: 'config_exec_timeout prepare_exec_timeout cleanup_exec_timeout graceful_kill_timeout force_kill_timeout',
});
