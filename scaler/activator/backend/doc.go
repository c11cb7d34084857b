// Package backend knows the pods of a revision and decides which request may
// use which pod, and when.
//
// It promises: a pod never has more requests in flight than the revision's
// limit; requests that must wait are served strictly in the order of their
// arrival; the least loaded pod is found in constant time; a pod that leaves
// gets no new request; a caller that gives up leaves no trace.
//
// It does not read Kubernetes objects, speak HTTP to clients or choose between
// revisions.
package backend
