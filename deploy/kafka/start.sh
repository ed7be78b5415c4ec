#!/usr/bin/env bash
# Starts the broker the image's own way. On storage that is formatted already, only where that way looks
# before it formats, as the official image's does; a start-up that does not would end here. Then the same
# steps without the formatting: KAFKA_* variables become server.properties, by the image's rules.
set -euo pipefail
if [ ! -e "$KAFKA_LOG_DIRS/meta.properties" ] || grep -qs 'already formatted' /etc/kafka/docker/launch; then
  exec /etc/kafka/docker/run
fi
cp -n /etc/kafka/docker/*log4j2.yaml /opt/kafka/config/
for variable in "${!KAFKA_@}"; do
  case $variable in KAFKA_HEAP_OPTS | KAFKA_OPTS | KAFKA_JMX* | KAFKA_JVM* | KAFKA_LOG4J* | KAFKA_GC_LOG* | KAFKA_VERSION) continue ;; esac
  name=${variable#KAFKA_}
  name=${name//___/$'\001'} name=${name//__/-} name=${name//_/.} name=${name//$'\001'/_}
  printf '%s=%s\n' "$(tr '[:upper:]' '[:lower:]' <<<"$name")" "${!variable}"
done >/opt/kafka/config/server.properties
exec /opt/kafka/bin/kafka-server-start.sh /opt/kafka/config/server.properties
