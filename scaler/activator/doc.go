// Package activator is the L7 router in front of every revision: one hop from
// the client to the pod. It assembles the data path from the packages below it
// and runs it.
//
//	table     request -> revision, by host, match, user, weight and budget
//	mirror    copies of requests, whose answers nobody gets
//	backend   revision -> pod, limits, queue, probes, wake calls
//	grammar   which requests are refused, on every route
//	h1        plain HTTP/1.1 requests: the hot path; and what net/http reads of HTTP/1
//	proxy     every other request, by net/http
//	wire      a connection with a buffer
//	bounds    how much memory and how many connections each app may have
//	keeper    which activator gives out the pods of a limited revision
//	peer      what activators tell each other with a request
//	watch     Kubernetes -> table and backend
//	inflight  what still runs when the process ends
//	list      links that lie in what is listed
//	stats, accesslog, answer
package activator
