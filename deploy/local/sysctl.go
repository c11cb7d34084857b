package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sysctls are the kernel settings that we, the kubelet and kube-proxy change; `up`
// notes them down before, `down` puts them back.
var sysctls = []string{
	"net/ipv4/ip_forward",
	"net/ipv4/conf/all/route_localnet",
	"net/netfilter/nf_conntrack_max",
	"net/bridge/bridge-nf-call-iptables",
	"vm/overcommit_memory",
	"vm/panic_on_oom",
	"kernel/panic",
	"kernel/panic_on_oops",
	"kernel/keys/root_maxkeys",
	"kernel/keys/root_maxbytes",
}

const sysctlRoot = "/proc/sys"

// noteSysctls writes the settings to a file unless that is there already: then the
// cluster has changed them before.
func noteSysctls(root, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	values := map[string]string{}
	for _, name := range sysctls {
		content, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // this kernel does not have it
		}
		if err != nil {
			return fmt.Errorf("reading kernel setting: %w", err)
		}
		values[name] = strings.TrimSpace(string(content))
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return replaceFile(file, encoded)
}

// putBackSysctls restores the noted settings that have changed.
func putBackSysctls(root, file string) error {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the noted kernel settings: %w", err)
	}
	values := map[string]string{}
	if err := json.Unmarshal(content, &values); err != nil {
		return fmt.Errorf("reading the noted kernel settings: %w", err)
	}
	for name, value := range values {
		path := filepath.Join(root, name)
		if now, err := os.ReadFile(path); err != nil || strings.TrimSpace(string(now)) == value {
			continue
		}
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return fmt.Errorf("restoring kernel setting: %w", err)
		}
	}
	return nil
}

func restoreSysctls(_ context.Context, c *cluster, _ *report) error {
	return putBackSysctls(sysctlRoot, c.places.State("sysctls.json"))
}
