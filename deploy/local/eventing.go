package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// eventingUser is runAsUser in deploy/base/eventing.yaml.
const eventingUser = 65532

// eventVolume is where a pod of eventing keeps events: a folder of this machine.
type eventVolume struct{ Name, Claim, Folder string }

// eventVolumes are those of so many replicas. One alone and several have folders of
// their own: eventing refuses what was written the other way.
func (c *cluster) eventVolumes(replicas int) []eventVolume {
	var all []eventVolume
	for i := range replicas {
		folder := "events"
		if replicas > 1 {
			folder = fmt.Sprintf("events-%d-of-%d", i, replicas)
		}
		all = append(all, eventVolume{"headway-" + folder, fmt.Sprintf("data-headway-eventing-%d", i), c.places.State(folder)})
	}
	return all
}

// prepareEventing makes the volumes for the events of channels. Pods, claims and
// volumes of another number of replicas go first: Kubernetes changes none of them in
// place. The events stay in their folders.
func (c *cluster) prepareEventing(ctx context.Context, s *report) error {
	const namespace, set = "--namespace=headway-system", "statefulset/headway-eventing"
	now, err := c.kubectl().Run(ctx, "", "get", set, namespace, "--ignore-not-found", "--output=jsonpath={.spec.replicas}")
	if err != nil {
		return err
	}
	if now != strconv.Itoa(c.eventingReplicas) {
		s.waitFor("pods of eventing of another number to end")
		volumes := []string{"delete", "persistentvolumes", "--ignore-not-found"}
		for _, v := range slices.Concat(c.eventVolumes(1), c.eventVolumes(3)) {
			volumes = append(volumes, v.Name)
		}
		for _, args := range [][]string{
			{"delete", set, namespace, "--ignore-not-found", "--cascade=foreground"},
			{"delete", "persistentvolumeclaims", namespace, "--selector=app.kubernetes.io/name=headway-eventing"},
			volumes,
		} {
			if _, err := c.kubectl().Run(ctx, "", args...); err != nil {
				return err
			}
		}
	}
	volumes := c.eventVolumes(c.eventingReplicas)
	for _, v := range volumes {
		// A hostPath volume is mounted as it is, so it belongs to who writes there.
		if err := os.MkdirAll(v.Folder, 0o700); err != nil {
			return fmt.Errorf("making the folder for events: %w", err)
		}
		if err := os.Chown(v.Folder, eventingUser, eventingUser); err != nil {
			return fmt.Errorf("giving the folder for events to Headway: %w", err)
		}
	}
	values := newSettings(c.places)
	values.EventVolumes = volumes
	objects, err := render("manifests/events.yaml", values)
	if err != nil {
		return err
	}
	return c.apply(ctx, objects)
}
