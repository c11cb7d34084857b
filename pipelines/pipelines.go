// Package pipelines turns a Revision and a build template into a Tekton
// TaskRun, and a TaskRun back into what became of the build.
//
// It is pure: values in, values out. It talks to no API server and looks at no
// clock, and it is the only package that knows Tekton's types. It does not
// decide when to build; that is the revision reconciler's business.
//
// A build template is a Tekton Task in the build namespace with the label
// headway.dev/template. Its contract is documented in docs/build-templates.md
// and checked by TemplateOf.
package pipelines

import (
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Tekton's types under names that other packages may use.
type (
	// Task is a Tekton Task, the form of a build template.
	Task = tektonv1.Task
	// TaskList is a list of Tasks.
	TaskList = tektonv1.TaskList
	// TaskRun is one run of a build.
	TaskRun = tektonv1.TaskRun
	// TaskRunList is a list of TaskRuns.
	TaskRunList = tektonv1.TaskRunList
)

// AddToScheme registers Tekton's types.
func AddToScheme(s *runtime.Scheme) error { return tektonv1.AddToScheme(s) }

// Workspaces that Headway binds for every template that declares them.
const (
	// WorkspaceSource is an empty folder that all steps share.
	WorkspaceSource = "source"
	// WorkspaceCache outlives the build; the builds of one Repository share it, and
	// those of one preview of a fork.
	WorkspaceCache = "cache"
	// WorkspaceRegistry holds the file .dockerconfigjson. It is left unbound
	// where the registry needs no credentials, so it must be optional.
	WorkspaceRegistry = "registry"
	// WorkspaceModules holds .netrc, the credentials for private Go modules. The
	// steps that list it run only where the Repository has some, so it must be
	// optional.
	WorkspaceModules = "modules"
)

// Results that Headway reads.
const (
	// ResultDigest is the digest of the pushed image. Required.
	ResultDigest = "digest"
	// ResultImageConfig is a v1alpha1.ImageConfig as JSON. Optional.
	ResultImageConfig = "image-config"
	// ResultError says in one line why the build failed. Optional: without it,
	// the last line of the log has to do.
	ResultError = "error"
)

// PriorityClass of build pods: apps come first.
const PriorityClass = "headway-build"

// ServiceAccount runs the build pods. Its token is never mounted.
const ServiceAccount = "headway-build"
