"""Whether the parts of the manifests fit together: what selects finds something, and what is named exists."""

import os
import subprocess
import unittest
from pathlib import Path

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
KUBECTL = os.environ["KUBECTL"]


def rendered(folder):
    """The objects that a kustomization makes."""
    command = [KUBECTL, "kustomize", str(DEPLOY / "kubernetes" / folder)]
    return list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def selects(selector, labels):
    return selector.items() <= labels.items()


class Manifests(unittest.TestCase):
    def setUp(self):
        self.objects = rendered("overlays/production")
        self.deployment = self.only("Deployment")
        self.pod = self.deployment["spec"]["template"]
        self.container = self.pod["spec"]["containers"][0]
        self.ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}

    def all(self, kind):
        return [item for item in self.objects if item["kind"] == kind]

    def only(self, kind):
        (item,) = self.all(kind)
        return item

    def test_everything_is_there(self):
        wanted = {
            "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Job", "ServiceMonitor", "Ingress",
        }  # fmt: skip
        self.assertEqual({item["kind"] for item in self.objects}, wanted)
        self.assertEqual({item["metadata"]["namespace"] for item in self.objects}, {"guildhall"})

    def test_what_selects_pods_finds_those_of_the_service_and_no_others(self):
        job = self.only("Job")["spec"]["template"]["metadata"]["labels"]
        selectors = [self.deployment["spec"]["selector"]["matchLabels"], self.only("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]]
        selectors += [service["spec"]["selector"] for service in self.all("Service")]
        selectors += [spread["labelSelector"]["matchLabels"] for spread in self.pod["spec"]["topologySpreadConstraints"]]
        for selector in selectors:
            self.assertTrue(selects(selector, self.pod["metadata"]["labels"]), selector)
            self.assertFalse(selects(selector, job), selector)
        policy = self.only("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
        self.assertTrue(selects(policy, self.pod["metadata"]["labels"]) and selects(policy, job))

    def test_every_port_that_is_named_exists(self):
        services = {service["metadata"]["name"]: service for service in self.all("Service")}
        for service in services.values():
            for port in service["spec"]["ports"]:
                self.assertIn(port["targetPort"], self.ports)
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
            self.assertEqual(self.container[probe]["httpGet"]["port"], "management", probe)
        allowed = {port["port"] for rule in self.only("NetworkPolicy")["spec"]["ingress"] for port in rule["ports"]}
        self.assertEqual(allowed, set(self.ports))
        for rule in self.only("Ingress")["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                ports = services[backend["name"]]["spec"]["ports"]
                self.assertIn(backend["port"]["name"], [port["name"] for port in ports])
                self.assertNotIn("management", [port["targetPort"] for port in ports], "metrics are for the cluster alone")

    def test_prometheus_finds_the_metrics(self):
        monitor = self.only("ServiceMonitor")["spec"]
        found = [item for item in self.all("Service") if selects(monitor["selector"]["matchLabels"], item["metadata"]["labels"])]
        self.assertEqual([item["metadata"]["name"] for item in found], ["guildhall-management"])
        for endpoint in monitor["endpoints"]:
            self.assertIn(endpoint["port"], [port["name"] for port in found[0]["spec"]["ports"]])
            self.assertEqual(endpoint["path"], "/metrics")

    def test_the_management_port_is_the_one_that_is_set(self):
        variables = {variable["name"]: variable.get("value") for variable in self.container["env"]}
        self.assertEqual(variables["GUILDHALL_SERVER__MANAGEMENT_PORT"], str(self.ports["management"]))
        self.assertEqual(variables["GUILDHALL_SERVER__MANAGEMENT_HOST"], "0.0.0.0", "by itself it listens on the loopback")

    def test_every_secret_that_is_used_is_in_the_example(self):
        example = yaml.safe_load_all((DEPLOY / "kubernetes/secret.example.yaml").read_text())
        keys = {(secret["metadata"]["name"], key) for secret in example for key in secret["stringData"]}
        containers = [self.container, *self.only("Job")["spec"]["template"]["spec"]["containers"]]
        references = [variable["valueFrom"]["secretKeyRef"] for item in containers for variable in item["env"] if "valueFrom" in variable]
        used = {(reference["name"], reference["key"]) for reference in references}
        volumes = [volume["secret"] for volume in self.pod["spec"]["volumes"]]
        used |= {(volume["secretName"], item["key"]) for volume in volumes for item in volume["items"]}
        self.assertEqual(used, keys)
        mounts = {mount["name"] for mount in self.container["volumeMounts"]}
        self.assertEqual(mounts, {volume["name"] for volume in self.pod["spec"]["volumes"]})

    def test_the_autoscaler_scales_the_deployment_and_postgres_can_bear_it(self):
        scaler = self.only("HorizontalPodAutoscaler")["spec"]
        self.assertEqual(scaler["scaleTargetRef"]["name"], self.deployment["metadata"]["name"])
        self.assertNotIn("replicas", self.deployment["spec"], "both would set it")
        self.assertIn("cpu", self.container["resources"]["requests"], "there is nothing to reckon with")
        # 100 connections are PostgreSQL's default, and some are kept for its administrators. A rollout has one pod more.
        self.assertLess((scaler["maxReplicas"] + 1) * 10, 97)
        self.assertGreater(scaler["minReplicas"], self.only("PodDisruptionBudget")["spec"]["maxUnavailable"])

    def test_no_container_has_more_rights_than_it_needs(self):
        for template in [self.pod, self.only("Job")["spec"]["template"]]:
            spec = template["spec"]
            self.assertFalse(spec["automountServiceAccountToken"])
            self.assertTrue(spec["securityContext"]["runAsNonRoot"])
            self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            for container in spec["containers"]:
                rights = container["securityContext"]
                self.assertEqual((rights["allowPrivilegeEscalation"], rights["readOnlyRootFilesystem"]), (False, True))
                self.assertEqual(rights["capabilities"], {"drop": ["ALL"]})
                self.assertIn("memory", container["resources"]["limits"])

    def test_a_pod_has_time_to_finish(self):
        grace = self.pod["spec"]["terminationGracePeriodSeconds"]
        # server.shutdown_timeout is 30 by default.
        self.assertGreater(grace, self.container["lifecycle"]["preStop"]["sleep"]["seconds"] + 30)
