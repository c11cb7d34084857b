//go:build integration

package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// system is the namespace of the programs' service accounts.
const system = "headway-system"

// as is the API server for one of Headway's programs: with the rights of its
// service account and no others.
func as(program string) *rest.Config {
	config := rest.CopyConfig(server)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + system + ":" + program}
	return config
}

// installRights gives the watcher and the controller the rights that they are
// installed with, so that every test of this run fails that needs more.
func installRights(ctx context.Context) error {
	if err := api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: system}}); err != nil {
		return fmt.Errorf("creating namespace %s: %w", system, err)
	}
	for _, file := range []string{"watcher-rbac.yaml", "controller-rbac.yaml"} {
		objects, err := manifests(file)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if o.GetNamespace() == "headway-builds" {
				o.SetNamespace(builds)
			}
			if err := api.Create(ctx, o); err != nil {
				return fmt.Errorf("creating %s %s: %w", o.GetKind(), o.GetName(), err)
			}
		}
	}
	return nil
}

// manifests reads a file under deploy/base.
func manifests(file string) (objects []*unstructured.Unstructured, err error) {
	data, err := os.ReadFile(root + "/deploy/base/" + file)
	if err != nil {
		return nil, err
	}
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096); ; {
		o := &unstructured.Unstructured{}
		if err := decoder.Decode(&o.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		objects = append(objects, o)
	}
}

// clientAs is a client of one of Headway's programs.
func clientAs(program string) (client.Client, error) {
	return client.New(as(program), client.Options{Scheme: scheme})
}
