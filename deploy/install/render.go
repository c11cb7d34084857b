package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// moreImages tells kustomize where images are named besides containers: in the
// steps of a Tekton Task, and in the variable that tells the controller what
// parked pods run. A value is replaced only if it is the name of an image.
const moreImages = `images:
- {kind: Task, path: spec/steps/image}
- {kind: Deployment, path: spec/template/spec/containers/env/value}
`

// overlay is the kustomization that an installation adds: its settings and the
// images of this build in place of the names "headway/<name>".
func overlay(s settings, keys parkKeys, manifests string, references map[string]string) (types.Kustomization, error) {
	k := types.Kustomization{
		TypeMeta:       types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources:      []string{manifests},
		Configurations: []string{"images.yaml"},
		ConfigMapGenerator: []types.ConfigMapArgs{{GeneratorArgs: types.GeneratorArgs{
			Namespace: system, Name: "headway-config", Behavior: "merge",
			KvPairSources: types.KvPairSources{LiteralSources: s.literals()},
		}}},
	}
	for _, name := range slices.Sorted(maps.Keys(references)) {
		repository, digest, ok := strings.Cut(references[name], "@")
		if !ok {
			return types.Kustomization{}, fmt.Errorf("image %s is not pinned by digest: %s", name, references[name])
		}
		k.Images = append(k.Images, types.Image{Name: "headway/" + name, NewName: repository, Digest: digest})
	}
	addParkKeys(&k, keys)
	return k, nil
}

// render makes the objects to apply, as YAML documents.
func render(s settings, keys parkKeys, references map[string]string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "headway-install-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the overlay: %w", err)
	}
	defer os.RemoveAll(folder)
	manifests, err := relative(folder, s.kustomization)
	if err != nil {
		return nil, err
	}
	k, err := overlay(s, keys, manifests, references)
	if err != nil {
		return nil, err
	}
	content, err := yaml.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("encoding the overlay: %w", err)
	}
	for name, content := range map[string][]byte{"kustomization.yaml": content, "images.yaml": []byte(moreImages)} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
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
