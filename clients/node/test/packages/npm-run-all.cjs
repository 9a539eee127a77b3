const fs = require('fs');
const os = require('os');
const path = require('path');
const runAll = require('npm-run-all');

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-run-all-'));
fs.writeFileSync(path.join(dir, 'package.json'), JSON.stringify({
	name: 'scripts', version: '1.0.0', scripts: { one: 'echo one >> seen', two: 'echo two >> seen', 'fail:it': 'exit 3' },
}));
process.chdir(dir);
runAll(['one', 'two'], { silent: true })
	.then((results) => console.log(results.map(({ name, code }) => `${name} ${code}`), fs.readFileSync('seen', 'utf8')))
	.then(() => runAll(['one', 'two'], { parallel: true, silent: true }))
	.then((results) => console.log(results.map(({ code }) => code), fs.readFileSync('seen', 'utf8').split('\n').sort()))
	.then(() => runAll(['fail:*', 'one'], { silent: true }))
	.catch((error) => console.log(error.name, error.results.map(({ name, code }) => `${name} ${code}`)))
	.finally(() => fs.rmSync(dir, { recursive: true }));
