package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cgroupRoot is the cgroup below which all pods run, and by which `down` finds
// their processes.
const cgroupRoot = "/headway"

// makeCgroups makes the pods' root cgroup in every hierarchy: the kubelet wants to
// find it there.
func makeCgroups() error {
	hierarchies, err := cgroupHierarchies()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		dir := filepath.Join(hierarchy, cgroupRoot)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("making cgroup: %w", err)
		}
		// A new cpuset of version 1 is empty and takes no process.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			parent, err := os.ReadFile(filepath.Join(hierarchy, file))
			if err != nil {
				continue // not the cpuset hierarchy
			}
			if err := os.WriteFile(filepath.Join(dir, file), parent, 0o644); err != nil {
				return fmt.Errorf("filling cgroup: %w", err)
			}
		}
	}
	return nil
}

// cgroupHierarchies are the mounts of cgroups: one in version 2, one for each
// controller in version 1.
func cgroupHierarchies() ([]string, error) {
	const root = "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/cgroup.controllers"); err == nil {
		return []string{root}, nil
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("listing cgroup hierarchies: %w", err)
	}
	var found []string
	for _, entry := range entries {
		// Links like cpu -> cpu,cpuacct lead to a hierarchy that is there anyway.
		if entry.IsDir() {
			found = append(found, filepath.Join(root, entry.Name()))
		}
	}
	return found, nil
}

// cgroupsBelow lists a cgroup and those below it in all hierarchies, parents first.
func cgroupsBelow(root string) ([]string, error) {
	hierarchies, err := cgroupHierarchies()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, hierarchy := range hierarchies {
		err := filepath.WalkDir(filepath.Join(hierarchy, root), func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // ended while we look
			}
			if err == nil && entry.IsDir() {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("listing cgroups: %w", err)
		}
	}
	return found, nil
}

// killPods kills every process of a pod and returns how many there were.
func killPods() (int, error) {
	cgroups, err := cgroupsBelow(cgroupRoot)
	if err != nil {
		return 0, err
	}
	killed := map[int]bool{}
	for _, cgroup := range cgroups {
		content, err := os.ReadFile(filepath.Join(cgroup, "cgroup.procs"))
		if err != nil {
			continue // ended while we look
		}
		for _, field := range strings.Fields(string(content)) {
			pid, err := strconv.Atoi(field)
			if err != nil || pid <= 1 {
				continue
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
				killed[pid] = true
			}
		}
	}
	return len(killed), nil
}

// removeCgroups removes the cgroups of pods.
func removeCgroups(ctx context.Context, _ *cluster, _ *report) error {
	return removeCgroupsBelow(ctx, cgroupRoot)
}

// removeCgroupsBelow removes a cgroup and those below it, children first. The kernel
// needs a moment after the last process of one has ended.
func removeCgroupsBelow(ctx context.Context, root string) error {
	return poll(ctx, 10*time.Second, 100*time.Millisecond, func(context.Context) error {
		cgroups, err := cgroupsBelow(root)
		if err != nil {
			return err
		}
		slices.Reverse(cgroups)
		for _, cgroup := range cgroups {
			if err := os.Remove(cgroup); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("removing cgroup: %w", err)
			}
		}
		return nil
	})
}
