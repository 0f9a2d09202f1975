"""Whether the compose file names what there is."""

import re
import unittest
from pathlib import Path

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


class Compose(unittest.TestCase):
    def setUp(self):
        self.text = (DEPLOY / "compose.yaml").read_text()
        self.file = yaml.safe_load(self.text)
        self.services = self.file["services"]

    def test_every_file_that_is_mounted_exists(self):
        mounts = [mount.split(":")[0] for service in self.services.values() for mount in service.get("volumes", [])]
        files = [mount for mount in mounts if mount.startswith(".")]
        self.assertGreater(len(files), 3)
        self.assertEqual([file for file in files if not (DEPLOY / file).exists()], [])
        self.assertEqual({mount for mount in mounts if not mount.startswith(".")}, set(self.file["volumes"]))

    def test_every_variable_is_made_by_the_commands_at_its_top(self):
        needed = set(re.findall(r"\$\{(\w+)", self.text))
        made = set(re.findall(r"printf '(\w+)=", self.text))
        self.assertEqual(needed, made)

    def test_what_is_published_is_for_this_machine_alone(self):
        published = {name: service.get("ports", []) for name, service in self.services.items()}
        self.assertTrue(all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports), published)
        inside = [port.split(":")[-1] for port in published["guildhall"]]
        environment = self.services["guildhall"]["environment"]
        self.assertNotIn(str(environment["GUILDHALL_SERVER__MANAGEMENT_PORT"]), inside)
        self.assertEqual(environment["GUILDHALL_SERVER__MANAGEMENT_HOST"], "0.0.0.0", "by itself it listens on the loopback")

    def test_prometheus_asks_the_management_port(self):
        scraped = (DEPLOY / "prometheus/prometheus.yml").read_text()
        management = self.services["guildhall"]["environment"]["GUILDHALL_SERVER__MANAGEMENT_PORT"]
        self.assertIn(f"guildhall:{management}", scraped)

    def test_grafana_finds_the_dashboards_and_prometheus(self):
        provisioning = DEPLOY / "grafana/provisioning"
        read = lambda folder, key: [item for file in (provisioning / folder).glob("*.y*ml") for item in yaml.safe_load(file.read_text())[key]]
        targets = {mount.split(":")[1] for mount in self.services["grafana"]["volumes"]}
        paths = [provider["options"]["path"] for provider in read("dashboards", "providers")]
        self.assertTrue(paths and set(paths) <= targets, f"{paths} are not mounted: {targets}")
        self.assertEqual([source["url"] for source in read("datasources", "datasources")], ["http://prometheus:9090"])

    def test_the_service_has_no_more_rights_than_it_needs(self):
        service = self.services["guildhall"]
        self.assertEqual((service["read_only"], service["cap_drop"], service["security_opt"]), (True, ["ALL"], ["no-new-privileges:true"]))
        self.assertEqual(service["secrets"], list(self.file["secrets"]))
