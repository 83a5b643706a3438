// Runs the specs of a project one after another in the main process. Jest runs the runners of its projects in turn, so
// nothing else of the run takes a core meanwhile.
const { default: TestRunner } = require('jest-runner');

module.exports = class SerialRunner extends TestRunner {
  isSerial = true;
};
