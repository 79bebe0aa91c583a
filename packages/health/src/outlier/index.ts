/** Outlier detection (`Cluster.outlier_detection`): hosts are judged by what becomes of their exchanges. */
import { type ClusterConfig, defineClusterMonitor } from '@mesh/core';
import { Detector } from './detector.ts';
import { EventFile } from './event-file.ts';
import { OutlierEvents } from './events.ts';
import { OutlierSettings } from './settings.ts';

/**
 * Takes hosts out of their cluster that fail too often, and lets them back after a while. Works for clusters that have
 * `outlier_detection`; add it to `extensions` once.
 */
export const outlierDetection = defineClusterMonitor<ClusterConfig>({
  name: 'mesh.monitors.outlier_detection',
  create(context) {
    const { clusterName, clock, config, files, log, outlierEventLogPath, runtime } = context;
    if (config.outlierDetection === undefined) return undefined;
    const settings = new OutlierSettings(config.outlierDetection, runtime);
    if (outlierEventLogPath === '') return new Detector(context, settings, undefined);
    const file = new EventFile(outlierEventLogPath, files, (message) => log('error', message));
    return new Detector(context, settings, new OutlierEvents(clusterName, clock, file));
  },
});
