package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/headway-dev/headway/api/v1alpha1"
)

//go:embed overlay
var overlay embed.FS

// render makes the objects to apply, as YAML documents.
func render(s settings, keys parkKeys, peers peerPassword, references map[string]string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "headway-install-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the overlay: %w", err)
	}
	defer os.RemoveAll(folder)
	manifests, err := relative(folder, s.kustomization)
	if err != nil {
		return nil, err
	}
	component := ""
	if s.clustered() {
		if component, err = relative(folder, nearest(s.kustomization, "eventing-replicas")); err != nil {
			return nil, err
		}
	}
	type image struct{ Repository, Digest string }
	images := map[string]image{}
	for name, reference := range references {
		repository, digest, _ := strings.Cut(reference, "@")
		images[name] = image{repository, digest}
	}
	filling := map[string]any{
		"Namespace": system, "Manifests": manifests, "Settings": s.literals(), "Images": images,
		"Component": component, "Peers": peersSecret, "NewPassword": peers.literals(),
		"NATS": s.natsURL, "NATSSecret": s.natsSecret, "Replicas": s.eventingReplicas,
		"Secret": v1alpha1.ParkSecret, "NewKeys": keys.literals(), "PublicKey": keys.Public,
	}
	templates, err := template.New("").Funcs(template.FuncMap{"json": asJSON}).ParseFS(overlay, "overlay/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("parsing the overlay: %w", err)
	}
	for _, file := range templates.Templates() {
		var content bytes.Buffer
		if err := file.Execute(&content, filling); err != nil {
			return nil, fmt.Errorf("filling the overlay: %w", err)
		}
		if err := os.WriteFile(filepath.Join(folder, file.Name()), content.Bytes(), 0o600); err != nil {
			return nil, fmt.Errorf("writing the overlay: %w", err)
		}
	}
	built, err := krusty.MakeKustomizer(&krusty.Options{
		Reorder:          krusty.ReorderOptionLegacy, // namespaces and definitions first
		LoadRestrictions: types.LoadRestrictionsRootOnly,
		PluginConfig:     types.DisabledPluginConfig(),
	}).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, fmt.Errorf("rendering the manifests: %w", err)
	}
	objects, err := built.AsYaml()
	if err != nil {
		return nil, fmt.Errorf("encoding the manifests: %w", err)
	}
	return objects, nil
}

// nearest is a folder of that name in a folder or in one of those around it.
func nearest(folder, name string) string {
	for range 3 {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			break
		}
		folder = filepath.Join(folder, "..")
	}
	return filepath.Join(folder, name)
}

// asJSON writes a value in a form that is YAML as well.
func asJSON(value any) (string, error) {
	encoded, err := json.Marshal(value)
	return string(encoded), err
}

// relative is the way from one folder to another; kustomize takes no absolute paths.
func relative(from, to string) (string, error) {
	to, err := filepath.Abs(to)
	if err == nil {
		to, err = filepath.EvalSymlinks(to)
	}
	if err != nil {
		return "", fmt.Errorf("finding the manifests: %w", err)
	}
	if from, err = filepath.EvalSymlinks(from); err != nil {
		return "", fmt.Errorf("finding the overlay: %w", err)
	}
	return filepath.Rel(from, to)
}
