// Package v1alpha1 holds Headway's API: Repository, App, Revision and Route.
//
// It promises stable meaning of every field within the version, defaults that
// the API server fills in, and validation messages that say what to change. It
// holds no behaviour beyond small accessors and imports no other Headway
// package.
//
// Who writes what:
//
//	Repository.spec    a person, once                .status  the watcher
//	App.spec           the watcher, from git         .status  reconciler/app
//	Revision.spec      the watcher, once, immutable  .status  reconciler/revision
//	Route.spec         reconciler/app                .status  reconciler/route
//
// +kubebuilder:object:generate=true
// +groupName=headway.dev
package v1alpha1
