package main

// clusterSteps bring up Kubernetes with Tekton, in this order.
func clusterSteps() []step {
	return []step{
		{name: "packages", run: installPackages},
		{name: "components", run: compileComponents},
		{name: "network", run: setUpNetwork},
		{name: "certificates", run: makeCertificates},
		{name: "registry", log: "registry", run: startRegistry},
		{name: "etcd", log: "etcd", run: startEtcd},
		{name: "api server", log: "kube-apiserver", run: startAPIServer},
		{name: "base images", log: "registry", run: pushBaseImages},
		{name: "base objects", log: "kube-apiserver", run: applyBase},
		{name: "controllers", log: "kube-controller-manager", run: startControllerManager},
		{name: "scheduler", log: "kube-scheduler", run: startScheduler},
		{name: "dns", log: "coredns", run: startDNS},
		{name: "containerd", log: "containerd", run: startContainerd},
		{name: "kubelet", log: "kubelet", run: startKubelet},
		{name: "kube-proxy", log: "kube-proxy", run: startProxy},
		{name: "tekton", run: installTekton},
	}
}
