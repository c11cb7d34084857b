// Package feedback tells the forge of a Repository how its commits do: statuses of
// commits, one comment per pull request, and deployments.
//
// Render is pure: from the Repository with its requests, its Apps and Revisions it
// works out what the forge should say. The Reconciler compares that with what it
// knows to be there, and writes the difference:
//
//   - at most maxWrites writes per pushed commit and hour. Results come first;
//     what is skipped first are states on the way to them, then deployments;
//   - nothing where nothing has changed, also after a restart: then one read per
//     commit and one per request bring back what is there;
//   - nothing twice, and only the newest state: what changes while the forge
//     refuses is never sent.
//
// What is on the way to be told is kept in memory. A process that ends between the
// moment a request is closed and the write of its last words leaves its comment,
// and on GitHub its environment, as they were.
//
// It decides nothing: what it says was decided by those who wrote the objects. How
// the forge itself does is told by the condition Forge, which the watcher writes.
package feedback
