// Package templates holds the build templates that come with Headway.
package templates

import "embed"

// Files are the templates, each a Tekton Task in NAME.yaml.
//
//go:embed dockerfile.yaml go.yaml static.yaml
var Files embed.FS
