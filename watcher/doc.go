// Package watcher turns what a git remote says into App and Revision objects.
//
// For each Repository it looks at the remote (on a timer, or at once after a
// webhook, which is only a hint), fetches what moved, reads every headway.yaml
// and plans what has to change. It promises that the state of the objects
// follows from the state of the remote, whatever was lost or doubled in
// between; that a failure to read changes no App; that a commit which does not
// touch an app makes no Revision of it; and that a bound which is passed by
// something optional stops nothing else, and is told. What one Repository holds,
// and how slowly its server answers, keeps no other one from being looked at; and
// one that is not looked at says so.
//
// What App.status.commit asks for it writes to git, once: a commit that reverts
// an app, or a branch that moves forward.
//
// It writes Repository.status, Apps and Revisions and no other object. It does not
// build, route or talk to a forge's API.
package watcher
