/** Role based access control, shared by the network filter and the HTTP filter. */
export { denialDetails, RbacEngine, type RbacVerdict } from './engine.ts';
export type { RbacSettings } from './settings.ts';
export type { RbacSubject } from './subject.ts';
