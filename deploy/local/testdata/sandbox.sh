#!/bin/bash
# Runs a command where it finds a machine of its own: network, processes, mounts
# and cgroups are new ones, so that a second local cluster can come and go beside
# the machine's. The kernel, the disk and the compiled programs are the machine's.
#
#   sandbox.sh FOLDER COMMAND...    FOLDER becomes the cache root inside
set -euo pipefail

# Every cgroup hierarchy: one in version 2, one for each controller in version 1.
hierarchies() {
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		echo /sys/fs/cgroup
		return
	fi
	for hierarchy in /sys/fs/cgroup/*; do
		if [ -d "$hierarchy" ] && [ ! -L "$hierarchy" ] && [ "$(basename "$hierarchy")" != unified ]; then
			echo "$hierarchy"
		fi
	done
}

if [ -z "${HEADWAY_SANDBOX:-}" ]; then
	for hierarchy in $(hierarchies); do
		mkdir -p "$hierarchy/headway-sandbox"
		for file in cpuset.cpus cpuset.mems; do # empty in a new cpuset of version 1
			if [ -e "$hierarchy/$file" ]; then cat "$hierarchy/$file" >"$hierarchy/headway-sandbox/$file"; fi
		done
		echo $$ >"$hierarchy/headway-sandbox/cgroup.procs"
	done
	export HEADWAY_SANDBOX=1
	exec unshare --cgroup --mount --net --pid --fork --kill-child --mount-proc "$0" "$@"
fi

folder=$1
shift
mount --make-rprivate /
# The cgroups from here on are those below headway-sandbox.
for hierarchy in $(hierarchies); do
	umount "$hierarchy"
	case $(basename "$hierarchy") in
	cgroup)
		mount -t cgroup2 none "$hierarchy"
		# Version 2 wants processes in leaves only.
		mkdir -p "$hierarchy/init"
		echo $$ >"$hierarchy/init/cgroup.procs"
		sed 's/\([^ ]*\)/+\1/g' "$hierarchy/cgroup.controllers" >"$hierarchy/cgroup.subtree_control"
		;;
	systemd) mount -t cgroup -o none,name=systemd none "$hierarchy" ;;
	*) mount -t cgroup -o "$(basename "$hierarchy")" none "$hierarchy" ;;
	esac
done
if mountpoint --quiet /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi

# What the machine's own cluster has mounted, if it runs, is out of sight.
cut -d' ' -f5 /proc/self/mountinfo | { grep -E '^/run/headway/|/headway/state/' || true; } | tac | xargs --no-run-if-empty umount --lazy
mount -t tmpfs none /run
mkdir /run/lock
for path in /var/lib/kubelet /var/lib/cni /var/log/containers; do
	mkdir -p "$path"
	mount -t tmpfs none "$path"
done
mkdir -p "$folder/bin"
mount --bind "$HEADWAY_SANDBOX_PROGRAMS" "$folder/bin"
ip link set lo up
export HEADWAY_CACHE=$folder
"$@"
