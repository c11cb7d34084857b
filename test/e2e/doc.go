// Package e2e pushes the examples to the git server of the local cluster with
// real git and looks at what users see: answers of URLs, conditions, Tekton
// runs and what is left after a deletion.
//
// Apps under load run testdata/meter, which tells what it sees.
//
// The tests have the build tag "e2e" and need the local cluster with a Gitea
// (make up FORGE=gitea); they bring it up if it is down. Each test is a team with a namespace of its own, so they
// neither share state nor care for what else runs there. Those that stop or
// scale a part of Headway run alone, before the parallel ones.
package e2e
